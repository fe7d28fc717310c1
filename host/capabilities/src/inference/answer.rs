//! What a provider says, and whether it is an answer.

use serde_json::Value;

use super::schema::Schema;
use crate::bindings::system_bus::durable::inference::Usage;

/// The largest answer, in bytes.
pub(super) const LARGEST: u64 = 4 * 1024 * 1024;

/// What a provider said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) text: String,
    /// The model, as the provider calls it.
    pub(super) model: String,
    pub(super) usage: Option<Usage>,
}

/// Why one attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failed {
    /// The provider cannot be reached, or does not work.
    Unavailable(String),
    /// It takes no such question, or what it said is no answer.
    Unfit(String),
    /// It took longer than it may.
    Late(String),
}

impl Failed {
    pub(super) fn message(&self) -> &str {
        let (Self::Unavailable(message) | Self::Unfit(message) | Self::Late(message)) = self;
        message
    }
}

/// Whether a text is an answer; with a schema, its JSON as well.
pub(super) fn judge(text: &str, schema: Option<&Schema>) -> Result<Option<String>, Failed> {
    if text.trim().is_empty() {
        return Err(Failed::Unfit("it answered with nothing".to_owned()));
    }
    let Some(schema) = schema else { return Ok(None) };
    let value: Value = serde_json::from_str(unfenced(text))
        .map_err(|problem| Failed::Unfit(format!("its answer is no JSON: {problem}")))?;
    schema
        .check(&value)
        .map_err(|place| Failed::Unfit(format!("its answer does not fit the schema: {place}")))?;
    Ok(Some(value.to_string()))
}

/// Models like to put JSON between fences, whatever they are told.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    inside.map_or(text, |inside| inside.strip_prefix("json").unwrap_or(inside).trim())
}

/// The beginning of what something said, for an error: one line, and not long.
pub(super) fn excerpt(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(300).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_texts_and_unfit_json_are_no_answers() {
        let schema = Schema::parse(r#"{"type": "object", "required": ["a"]}"#).expect("a schema");
        for (text, schema, expected) in [
            ("yes", None, Ok(None)),
            (" \n", None, Err("nothing")),
            (r#"{"a": 1}"#, Some(&schema), Ok(Some(r#"{"a":1}"#))),
            ("```json\n{\"a\": 1}\n```\n", Some(&schema), Ok(Some(r#"{"a":1}"#))),
            ("yes", Some(&schema), Err("no JSON")),
            (r#"Here: {"a": 1}"#, Some(&schema), Err("no JSON")),
            (r#"{"b": 1}"#, Some(&schema), Err("does not fit the schema")),
            ("", Some(&schema), Err("nothing")),
        ] {
            match (judge(text, schema), expected) {
                (Ok(data), Ok(expected)) => assert_eq!(data.as_deref(), expected),
                (Err(failed), Err(says)) => {
                    assert!(failed.message().contains(says), "{failed:?}");
                }
                (judged, _) => panic!("{text}: {judged:?}"),
            }
        }
    }
}
