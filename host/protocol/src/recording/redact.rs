//! What is taken out of a recording before it leaves the place where it was made.
//!
//! Values are replaced and not removed, by others of the same type, so that the code still finds what it decodes.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{RecordedStep, Recording};

/// What stands in place of a text.
const REDACTED: &str = "[redacted]";

/// Where values are replaced: `events.data.card`, `steps.charge.number`, `steps.*.token`, `output.email`.
///
/// The first part says of what: of all events, of the results of a step, by its name or `*`, or of the run's output. The
/// others are names of members; `*` is any member. Lists are gone through by themselves.
///
/// ```
/// use protocol::recording::RedactionPath;
///
/// assert!("events.data.card".parse::<RedactionPath>().is_ok());
/// assert!("data.card".parse::<RedactionPath>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactionPath {
    text: String,
    part: Part,
    members: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Events,
    Steps(String),
    Output,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no path of a recording: write events.MEMBER…, steps.NAME.MEMBER…, or output.MEMBER…, such as events.data.card"
)]
pub struct PathError(String);

impl FromStr for RedactionPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fault = || PathError(text.to_owned());
        let mut parts = text.split('.').map(str::to_owned);
        let part = match parts.next().as_deref() {
            Some("events") => Part::Events,
            Some("steps") => Part::Steps(parts.next().ok_or_else(fault)?),
            Some("output") => Part::Output,
            _ => return Err(fault()),
        };
        let members: Vec<_> = parts.collect();
        let named = !matches!(&part, Part::Steps(name) if name.is_empty());
        // All of an event would be its name too, without which no code takes it.
        let too_much = part == Part::Events && members.is_empty();
        if too_much || !named || members.iter().any(String::is_empty) {
            return Err(fault());
        }
        Ok(Self { text: text.to_owned(), part, members })
    }
}

impl fmt::Display for RedactionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Recording {
    /// Replaces the values at these paths, and notes the paths; how many values were replaced.
    pub fn redact(&mut self, paths: &[RedactionPath]) -> usize {
        let mut count = 0;
        for path in paths {
            match &path.part {
                Part::Events => {
                    for event in &mut self.events {
                        change(event, |event| count += replace_at(event, &path.members));
                    }
                }
                Part::Steps(name) => {
                    for step in self.steps.iter_mut().filter(|step| step.is_called(name)) {
                        change(&mut step.memo, |memo| {
                            count += replace_at(inside(memo), &path.members);
                        });
                    }
                }
                Part::Output => {
                    if let Some(output) = &mut self.output {
                        change(output, |output| count += replace_at(output, &path.members));
                    }
                }
            }
            self.redacted.push(path.text.clone());
        }
        count
    }

    /// Lets every text that was recorded be looked at, and replaced: names of members too, since a secret may be one.
    pub fn replace_texts(&mut self, replace: &mut dyn FnMut(&str) -> Option<String>) {
        let values = self.events.iter_mut().chain(&mut self.output);
        for value in values.chain(self.steps.iter_mut().map(|step| &mut step.memo)) {
            change(value, |value| texts(value, replace));
        }
    }
}

impl RecordedStep {
    /// Whether a path means it: by its name, without its key, by its hash, or as any.
    fn is_called(&self, wanted: &str) -> bool {
        let name = self.name.as_deref().unwrap_or_default();
        let base = name.split('[').next().unwrap_or_default();
        wanted == "*" || wanted == name || wanted == base || self.id.to_string() == wanted
    }
}

/// The result or the error in a memo, without its wrapper.
fn inside(memo: &mut Value) -> &mut Value {
    let wrapper = match memo.as_object() {
        Some(members) if members.len() == 1 => {
            members.keys().next().filter(|name| ["data", "error"].contains(&name.as_str())).cloned()
        }
        _ => None,
    };
    match wrapper {
        Some(name) => &mut memo[name],
        None => memo,
    }
}

fn change(json: &mut Box<RawValue>, change: impl FnOnce(&mut Value)) {
    let Ok(mut value) = serde_json::from_str(json.get()) else { return };
    let before: Value = Value::clone(&value);
    change(&mut value);
    // What nobody changed stays as it is, to the byte.
    if let (true, Ok(changed)) = (before != value, to_raw_value(&value)) {
        *json = changed;
    }
}

/// Replaces what is at a path; how many values.
fn replace_at(value: &mut Value, path: &[String]) -> usize {
    let Some((first, rest)) = path.split_first() else { return replace(value) };
    match value {
        Value::Array(items) => items.iter_mut().map(|item| replace_at(item, path)).sum(),
        Value::Object(members) => {
            let meant = members.iter_mut().filter(|(name, _)| first == "*" || first == *name);
            meant.map(|(_, member)| replace_at(member, rest)).sum()
        }
        _ => 0,
    }
}

/// Replaces a value by another of its type; how many values within.
fn replace(value: &mut Value) -> usize {
    match value {
        Value::Null => return 0,
        Value::Bool(value) => *value = false,
        Value::Number(number) => *number = 0.into(),
        Value::String(text) => REDACTED.clone_into(text),
        Value::Array(items) => return items.iter_mut().map(replace).sum(),
        Value::Object(members) => return members.values_mut().map(replace).sum(),
    }
    1
}

fn texts(value: &mut Value, replace: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(other) = replace(text) {
                *text = other;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| texts(item, replace)),
        Value::Object(members) => {
            let named = std::mem::take(members).into_iter().map(|(name, mut member)| {
                texts(&mut member, replace);
                (replace(&name).unwrap_or(name), member)
            });
            members.extend(named);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::StepId;
    use crate::recording::RecordedStatus;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    fn recording() -> Recording {
        let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("an id");
        let (app, function) = ("a".parse().expect("an id"), "f".parse().expect("an id"));
        let step = |name: &str, memo: &str| RecordedStep {
            id: StepId::hash(name),
            name: Some(name.to_owned()),
            ended_at: None,
            memo: raw(memo),
        };
        Recording {
            events: vec![raw(
                r#"{"name":"a/b","data":{"card":"4711","lines":[{"to":"x"},{"to":"y"}]}}"#,
            )],
            steps: vec![
                step("charge[7]", r#"{ "data": {"card":"4711","cents":7,"ok":true,"none":null} }"#),
                step("delivered", r#"{"data":{"to":"anna"},"name":"a/c"}"#),
                step("plain", r#"{"data":"4711"}"#),
            ],
            output: Some(raw(r#"{"card":"4711"}"#)),
            ..Recording::new(run, app, function, RecordedStatus::Completed)
        }
    }

    fn redacted(path: &str) -> (usize, Recording) {
        let mut recording = recording();
        let count = recording.redact(&[path.parse().expect(path)]);
        assert_eq!(recording.redacted, [path]);
        (count, recording)
    }

    #[test]
    fn values_are_replaced_by_their_path_and_keep_their_type() {
        let event = |recording: &Recording| recording.events[0].get().to_owned();
        let memo = |recording: &Recording, at: usize| recording.steps[at].memo.get().to_owned();
        let (count, told) = redacted("events.data.card");
        assert!(count == 1 && event(&told).contains(r#""card":"[redacted]""#));
        assert_eq!(memo(&told, 0), memo(&recording(), 0), "what is not meant stays to the byte");
        let (count, told) = redacted("events.data.lines.to");
        assert!(count == 2 && !event(&told).contains('y'), "{told:?}");
        let (count, told) = redacted("steps.charge.*");
        assert_eq!(count, 3);
        let all = r#"{"data":{"card":"[redacted]","cents":0,"none":null,"ok":false}}"#;
        assert_eq!(memo(&told, 0), all);
        let (count, told) = redacted("steps.delivered.data.to");
        assert_eq!((count, memo(&told, 1).contains("anna")), (1, false));
        assert_eq!(memo(&redacted("steps.plain").1, 2), r#"{"data":"[redacted]"}"#);
        assert_eq!(redacted("steps.*.card").0, 1);
        assert_eq!(redacted("output.card").0, 1);
        assert_eq!(redacted("output.other").0, 0);
    }

    #[test]
    fn texts_are_replaced_wherever_they_stand() {
        let mut recording = recording();
        recording
            .replace_texts(&mut |text| text.contains("4711").then(|| "[secret card]".to_owned()));
        let json = recording.to_json();
        assert!(!json.contains("4711"), "{json}");
        assert_eq!(json.matches("[secret card]").count(), 4);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "data.card", "events", "events..card", "steps", "steps.", "other.x"] {
            let error = text.parse::<RedactionPath>().expect_err(text);
            assert!(error.to_string().contains("is no path of a recording"), "{text}");
        }
    }
}
