//! What the data of an event looks like, as far as its type tells: a JSON Schema in the manifest.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// The data of an event, as `#[derive(Event)]` reads it off a struct. In the manifest it is a schema of JSON Schema 2020-12
/// with `type`, `properties`, `required` and, where the type refuses more, `additionalProperties`.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event("shop/order.paid")]
/// struct OrderPaid {
///     /// As it is printed on the invoice.
///     order_id: String,
///     note: Option<String>,
/// }
///
/// let schema = serde_json::to_value(OrderPaid::SCHEMA).unwrap();
/// assert_eq!(schema["properties"]["order_id"]["description"], "As it is printed on the invoice.");
/// assert_eq!(schema["required"], serde_json::json!(["order_id"]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The members of the data.
    pub members: &'static [Member],
    /// Whether it may have no others.
    pub closed: bool,
}

/// One member of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it is called in JSON.
    pub name: &'static str,
    /// What it holds.
    pub holds: Content,
    /// Whether it has to be there.
    pub required: bool,
    /// What its documentation says; empty where it says nothing.
    pub description: &'static str,
}

/// What a member holds, as far as the name of its type tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    String,
    /// A moment, as text of RFC 3339.
    DateTime,
    /// A whole number.
    Integer,
    /// A whole number that is not negative.
    Natural,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of these.
    Array(&'static Content),
    /// An object with any members, each of which is one of these.
    Object(&'static Content),
    /// Anything: a type that the macro does not know.
    Any,
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut schema = serializer.serialize_map(None)?;
        schema.serialize_entry("type", "object")?;
        schema.serialize_entry("properties", &Properties(self.members))?;
        let required = self.members.iter().filter(|member| member.required);
        let required: Vec<_> = required.map(|member| member.name).collect();
        if !required.is_empty() {
            schema.serialize_entry("required", &required)?;
        }
        if self.closed {
            schema.serialize_entry("additionalProperties", &false)?;
        }
        schema.end()
    }
}

struct Properties(&'static [Member]);

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|member| (member.name, member)))
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut property = serializer.serialize_map(None)?;
        self.holds.members(&mut property)?;
        if !self.description.is_empty() {
            property.serialize_entry("description", self.description)?;
        }
        property.end()
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut schema = serializer.serialize_map(None)?;
        self.members(&mut schema)?;
        schema.end()
    }
}

impl Content {
    fn members<M: SerializeMap>(&self, schema: &mut M) -> Result<(), M::Error> {
        let (kind, more) = match self {
            Self::String => ("string", None),
            Self::DateTime => {
                schema.serialize_entry("format", "date-time")?;
                ("string", None)
            }
            Self::Integer => ("integer", None),
            Self::Natural => {
                schema.serialize_entry("minimum", &0)?;
                ("integer", None)
            }
            Self::Number => ("number", None),
            Self::Boolean => ("boolean", None),
            Self::Array(items) => ("array", Some(("items", items))),
            Self::Object(values) => ("object", Some(("additionalProperties", values))),
            Self::Any => return Ok(()),
        };
        schema.serialize_entry("type", kind)?;
        match more {
            Some((_, Self::Any)) | None => Ok(()),
            Some((name, inner)) => schema.serialize_entry(name, inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_content_has_its_schema() {
        for (content, schema) in [
            (Content::String, json!({"type": "string"})),
            (Content::DateTime, json!({"type": "string", "format": "date-time"})),
            (Content::Integer, json!({"type": "integer"})),
            (Content::Natural, json!({"type": "integer", "minimum": 0})),
            (Content::Number, json!({"type": "number"})),
            (Content::Boolean, json!({"type": "boolean"})),
            (Content::Any, json!({})),
            (Content::Array(&Content::Any), json!({"type": "array"})),
            (
                Content::Array(&Content::Object(&Content::Number)),
                json!({"type": "array", "items": {
                    "type": "object", "additionalProperties": {"type": "number"}}}),
            ),
        ] {
            assert_eq!(serde_json::to_value(content).expect("JSON"), schema, "{content:?}");
        }
    }

    #[test]
    fn a_type_that_refuses_more_says_so() {
        let schema = Schema { members: &[], closed: true };
        assert_eq!(
            serde_json::to_value(schema).expect("JSON"),
            json!({"type": "object", "properties": {}, "additionalProperties": false})
        );
    }
}
