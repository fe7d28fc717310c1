//! A delivery: of a rule it is what happened, of an application it is wrapped.

use serde_json::Value;

use crate::kind::Kind;

/// A delivery, unwrapped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery<'d> {
    outer: &'d Value,
    inner: &'d Value,
}

impl<'d> Delivery<'d> {
    pub(crate) fn new(outer: &'d Value) -> Self {
        let inner = outer.get("payload").filter(|payload| payload.is_object()).unwrap_or(outer);
        Self { outer, inner }
    }

    /// What happened, as Front calls it.
    pub(crate) fn type_name(self) -> &'d str {
        let text = |value: &'d Value| value["type"].as_str();
        text(self.outer).or_else(|| text(self.inner)).unwrap_or_default()
    }

    pub(crate) fn kind(self) -> Option<Kind> {
        Kind::named(self.type_name())
    }

    /// The id of what happened; `otherwise` stands for a time that was not told.
    pub(crate) fn id(self, otherwise: &str) -> String {
        let what = self.text(&["id"]).filter(|id| id.starts_with("evt_"));
        let what = what.or_else(|| self.conversation_id()).unwrap_or("unknown");
        let when = ["emitted_at", "ts"].iter().find_map(|name| match &self.inner[*name] {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(text.clone()),
            _ => None,
        });
        format!("front-{}-{what}-{}", self.type_name(), when.as_deref().unwrap_or(otherwise))
    }

    pub(crate) fn conversation_id(self) -> Option<&'d str> {
        self.text(&["conversation", "id"])
    }

    /// What it happened to: a message, a comment, a tag.
    pub(crate) fn target(self) -> &'d Value {
        &self.inner["target"]["data"]
    }

    /// A value in what happened.
    pub(crate) fn at(self, path: &[&str]) -> &'d Value {
        path.iter().fold(self.inner, |value, member| &value[*member])
    }

    /// A text in what happened, unless it is empty.
    pub(crate) fn text(self, path: &[&str]) -> Option<&'d str> {
        self.at(path).as_str().filter(|text| !text.is_empty())
    }

    /// The names of what it has, for whoever has to find out what Front sends now.
    pub(crate) fn members(self) -> Vec<&'d str> {
        self.inner.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
    }
}
