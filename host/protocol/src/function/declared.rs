//! What a component tells of a function's code: its steps and the events it takes.
//!
//! Nothing is served or refused by it. It is what two versions are compared by before one is deployed.

use serde_json::Value;

use super::members::Members;
use crate::replay::MAX_STEPS;

/// A step that can be read off the code of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeclaredStep {
    /// Its id, without a key.
    pub id: String,
    /// Its kind, as in `wit/steps.wit`.
    pub kind: String,
    /// Whether it has a key, and so may occur many times.
    pub keyed: bool,
    /// The id that it had before.
    pub alias: Option<String>,
}

/// An event that starts a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeclaredEvent {
    /// Its name.
    pub event: String,
    /// The members of its data that the function's type for it has; empty says nothing.
    pub fields: Vec<String>,
    /// A JSON Schema of its data, an object as JSON text, for whoever fills in a form.
    pub schema: Option<String>,
}

/// The longest schema taken, in bytes: manifests are kept for each version.
pub const LARGEST_SCHEMA: usize = 16 << 10;

impl DeclaredStep {
    /// Takes the member `steps` out of a function's members.
    pub(super) fn take_all(members: &mut Members) -> Vec<Self> {
        if !members.has("steps") {
            return Vec::new();
        }
        members.list("steps", &(0..=MAX_STEPS), Self::read)
    }

    fn read(members: &mut Members) -> Option<Self> {
        let id = members.text("id");
        let id = members.required("id", id, "\"charge\"");
        let kind = members.text("kind");
        let kind = members.required("kind", kind, "\"run\"");
        let keyed = match members.any("keyed") {
            None => false,
            Some(Value::Bool(keyed)) => keyed,
            Some(_) => {
                members.fault("keyed", "it is neither true nor false");
                false
            }
        };
        let alias = members.text("alias");
        Some(Self { id: id?, kind: kind?, keyed, alias })
    }
}

impl DeclaredEvent {
    /// Takes the member `input` out of a function's members.
    pub(super) fn take_all(members: &mut Members) -> Vec<Self> {
        if !members.has("input") {
            return Vec::new();
        }
        members.list("input", &(0..=super::MAX_TRIGGERS), Self::read)
    }

    fn read(members: &mut Members) -> Option<Self> {
        let event = members.text("event");
        let event = members.required("event", event, "\"shop/order.paid\"");
        let fields = match members.any("fields").map(serde_json::from_value) {
            None => Vec::new(),
            Some(Ok(fields)) => fields,
            Some(Err(_)) => {
                members.fault("fields", "it is no array of texts");
                Vec::new()
            }
        };
        let schema = match members.any("schema") {
            None => None,
            Some(schema @ Value::Object(_)) => Some(schema.to_string()),
            Some(_) => {
                members.fault("schema", "it is no object");
                None
            }
        };
        if let Some(length) = schema.as_ref().map(String::len).filter(|&n| n > LARGEST_SCHEMA) {
            let problem = format!("it has {length} bytes, and at most {LARGEST_SCHEMA} are taken");
            members.fault("schema", problem);
        }
        Some(Self { event: event?, fields, schema })
    }
}
