//! Places in a delivery, and texts with such places in them.

use jiff::Timestamp;
use serde_json::Value;

use crate::delivery::Delivery;
use crate::verify::Verified;

/// A place in a delivery: `body.member.0.member`, `body`, `header.NAME`, `delivery` (its id, where the sender has signed
/// one), `sha256` (of the body, 64 digits, or the first of them as `sha256.16`), `at` (when it came, in milliseconds since
/// 1970), or `once` (32 digits that no other delivery has).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Root);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Root {
    Body(Vec<String>),
    Header(String),
    Delivery,
    Sha256(usize),
    At,
    Once,
}

/// Why a text names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing that a delivery has.
    #[error(
        "{0:?} is no place in a delivery; there are body.MEMBER, header.NAME, delivery, sha256, sha256.DIGITS, at and once"
    )]
    Unknown(String),
    /// A brace that is not closed, or not opened.
    #[error("{0:?} has a brace without its other one")]
    Brace(String),
}

/// A verified delivery with its body parsed: what [`parse`](super::parse) made of it.
#[derive(Debug, Clone, Copy)]
pub struct Read<'d> {
    /// The delivery.
    pub delivery: &'d Delivery,
    /// Its body.
    pub body: &'d Value,
    /// Its id, where the sender has signed one.
    pub id: Option<&'d str>,
}

impl<'d> Read<'d> {
    /// What was verified, with its body.
    pub fn of(verified: Verified<'d>, body: &'d Value) -> Self {
        Self { delivery: verified.delivery(), body, id: verified.id() }
    }
}

impl Path {
    /// Reads the text.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let unknown = || PathError::Unknown(text.to_owned());
        let mut parts = text.split('.');
        let root = parts.next().unwrap_or_default();
        let rest: Vec<String> = parts.map(str::to_owned).collect();
        if rest.iter().any(String::is_empty) {
            return Err(unknown());
        }
        Ok(Self(match (root, rest.as_slice()) {
            ("body", _) => Root::Body(rest),
            ("header", [_, ..]) => Root::Header(rest.join(".").to_ascii_lowercase()),
            ("sha256", []) => Root::Sha256(64),
            ("sha256", [digits]) => match digits.parse() {
                Ok(digits @ 8..=64) => Root::Sha256(digits),
                _ => return Err(unknown()),
            },
            ("at", []) => Root::At,
            ("once", []) => Root::Once,
            ("delivery", []) => Root::Delivery,
            _ => return Err(unknown()),
        }))
    }

    /// What is there.
    pub fn value<'d>(&self, read: Read<'d>) -> Option<Value> {
        match &self.0 {
            Root::Body(members) => {
                let step = |value: &'d Value, member: &String| match value {
                    Value::Object(object) => object.get(member),
                    Value::Array(items) => items.get(member.parse::<usize>().ok()?),
                    _ => None,
                };
                members.iter().try_fold(read.body, step).cloned()
            }
            Root::Header(name) => read.delivery.headers.one(name).map(Value::from),
            Root::Sha256(digits) => Some(Value::from(&read.delivery.sha256()[..*digits])),
            Root::At => Some(Value::from(millis(read.delivery.at))),
            Root::Once => Some(Value::from(once(read.delivery))),
            Root::Delivery => read.id.map(Value::from),
        }
    }
}

/// Of the moment when it came, which is known to the nanosecond, and of all that came.
fn once(delivery: &Delivery) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(&delivery.at.as_nanosecond().to_be_bytes());
    for (name, value) in delivery.headers.iter() {
        hash.update(name.as_bytes()).update(&[0]).update(value.as_bytes()).update(&[0]);
    }
    hash.update(&delivery.body);
    hash.finalize().to_hex()[..32].to_owned()
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A text with places: `vercel-{body.type}-{body.id|sha256}`. Of several places between bars the first counts that is
/// there and is text, a number or a truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    First(Vec<Path>),
}

impl Template {
    /// Reads the text.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let brace = || PathError::Brace(text.to_owned());
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (places, after) = after.split_once('}').ok_or_else(brace)?;
            if before.contains('}') {
                return Err(brace());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let places = places.split('|').map(|place| Path::parse(place.trim()));
            parts.push(Part::First(places.collect::<Result<_, _>>()?));
            rest = after;
        }
        if rest.contains('}') {
            return Err(brace());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The text, where each of its places has something.
    pub fn text(&self, read: Read<'_>) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::First(places) => {
                    text.push_str(&places.iter().find_map(|path| plain(&path.value(read)?))?);
                }
            }
        }
        Some(text)
    }
}

/// A value as a text, where it is one thing.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::delivery::Headers;

    #[test]
    fn places_and_texts() {
        let body =
            json!({"a": {"b": [1, {"c": "x"}]}, "none": null, "empty": "", "yes": true, "7": 7});
        let delivery = Delivery {
            headers: Headers::new([("X-Kind", "push")]),
            body: Bytes::from(body.to_string()),
            at: Timestamp::from_millisecond(1234).expect("a time"),
            from: [127, 0, 0, 1].into(),
        };
        let read = Read { delivery: &delivery, body: &body, id: Some("d-1") };
        for (path, value) in [
            ("body.a.b.1.c", json!("x")),
            ("body.a.b.2", Value::Null),
            ("body.none", Value::Null),
            ("body.7", json!(7)),
            ("header.x-kind", json!("push")),
            ("header.X-Kind", json!("push")),
            ("header.other", Value::Null),
            ("at", json!(1234)),
            ("delivery", json!("d-1")),
        ] {
            let found = Path::parse(path).expect(path).value(read).unwrap_or_default();
            assert_eq!(found, value, "{path}");
        }
        for (template, text) in [
            ("x-{body.a.b.0}-{header.x-kind}", Some("x-1-push")),
            ("{body.none|body.empty|body.yes}", Some("true")),
            ("{body.none}", None),
            ("{body.a}", None),
            ("plain", Some("plain")),
        ] {
            let made = Template::parse(template).expect(template).text(read);
            assert_eq!(made.as_deref(), text, "{template}");
        }
        let once = |at| {
            let delivery = Delivery {
                at: Timestamp::from_nanosecond(at).expect("a time"),
                ..delivery.clone()
            };
            let read = Read { delivery: &delivery, body: &body, id: None };
            assert_eq!(Path::parse("delivery").expect("a place").value(read), None);
            Template::parse("{once}").expect("a text").text(read).expect("a text")
        };
        assert_eq!((once(1).len(), once(1) == once(1), once(1) == once(2)), (32, true, false));
        let short = Template::parse("{sha256.16}").expect("a text").text(read).expect("a hash");
        assert_eq!((short.len(), delivery.sha256().starts_with(&short)), (16, true));
        for wrong in [
            "{",
            "}",
            "a}b{body}",
            "{}",
            "{body..a}",
            "{header}",
            "{sha256.3}",
            "{now}",
            "{body|x}",
        ] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }
}
