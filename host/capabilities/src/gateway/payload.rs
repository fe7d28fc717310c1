//! An object of JSON whose members stay in the order in which they were written, as its readers are used to.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// What is told beside the type. A member that is written twice has its first place and its last value.
#[derive(Debug, Clone, Default)]
pub(super) struct Payload(Vec<(String, Box<RawValue>)>);

impl Payload {
    /// The object in this text; text of nothing but space is an empty one.
    pub(super) fn parse(json: &str) -> serde_json::Result<Self> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(json)
    }

    /// Sets a member to a text.
    pub(super) fn with_text(mut self, name: &str, text: &str) -> Self {
        if let Ok(value) = to_raw_value(text) {
            self.set(name.to_owned(), value);
        }
        self
    }

    /// These members, then those of another one.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (name, value) in other.0 {
            self.set(name, value);
        }
        self
    }

    /// The same without a member.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    /// A member, where it is a text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(own, _)| own == name)?;
        serde_json::from_str(value.get()).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn set(&mut self, name: String, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            members.serialize_entry(name, value)?;
        }
        members.end()
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Payload, A::Error> {
                let mut payload = Payload::default();
                // What many equal names would cost is bounded by the length of what may be told.
                while let Some((name, value)) = members.next_entry()? {
                    payload.set(name, value);
                }
                Ok(payload)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_their_values() {
        for (before, text, after, expected) in [
            ("", "t", "", Some(r#"{"message":"t"}"#)),
            (
                "",
                "t",
                r#"{"z":1,"a":{"y":1.50,"b":2}}"#,
                Some(r#"{"message":"t","z":1,"a":{"y":1.50,"b":2}}"#),
            ),
            ("", "t", r#"{"z":1,"message":"mine"}"#, Some(r#"{"message":"mine","z":1}"#)),
            (r#"{"b":1,"a":2}"#, "é\n", r#"{"b":3}"#, Some(r#"{"b":3,"a":2,"message":"é\n"}"#)),
            ("", "t", "[1]", None),
            ("", "t", r#"{"a":1} {"#, None),
            ("", "t", "7", None),
        ] {
            let told = Payload::parse(before).expect("an object").with_text("message", text);
            let told = Payload::parse(after).ok().map(|after| told.and(after));
            let told = told.map(|told| serde_json::to_string(&told).expect("JSON"));
            assert_eq!(told.as_deref(), expected, "{after}");
        }
    }

    #[test]
    fn a_text_is_found_by_its_name() {
        let payload = Payload::parse(r#"{"a":"\u00e9","b":7,"c":null}"#).expect("an object");
        let texts = ["a", "b", "c", "d"].map(|name| payload.text(name));
        assert_eq!(texts, [Some("é".to_owned()), None, None, None]);
        assert!(payload.without("a").without("b").without("c").is_empty());
    }
}
