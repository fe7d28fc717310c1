//! What the server tells of a run's past: its trace, from which follow the order in which its steps completed and, where
//! the server was asked for it, what they ended with.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::id::StepId;
use crate::recording::RecordedStep;

/// A run's trace: the `data` of `GET /v2/runs/{id}/trace`. Only what is needed here is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    root_span: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    step_op: Option<String>,
    #[serde(default)]
    step_id: Option<String>,
    #[serde(default)]
    ended_at: Option<Timestamp>,
    /// With `includeOutput=true`.
    #[serde(default)]
    output: Option<Value>,
    /// To the byte; our own engine only. That of a sleep is `null`.
    #[serde(default, deserialize_with = "present")]
    memo: Option<Box<RawValue>>,
    #[serde(default)]
    children: Vec<Span>,
}

impl History {
    /// The steps that have ended, in the order in which they did. A step that was tried several times ended with its
    /// last attempt. Of steps that ended at the same moment the trace's own order counts.
    ///
    /// ```
    /// use protocol::history::History;
    /// use protocol::id::StepId;
    ///
    /// let (a, b) = (StepId::hash("a"), StepId::hash("b"));
    /// let history: History = serde_json::from_str(&format!(
    ///     r#"{{"runId":"r","rootSpan":{{"children":[
    ///         {{"stepId":"{a}","endedAt":"2026-08-30T10:00:02Z"}},
    ///         {{"stepId":"{b}","endedAt":"2026-08-30T10:00:01Z"}}]}}}}"#,
    /// )).unwrap();
    /// assert_eq!(history.completed(), [b, a]);
    /// ```
    pub fn completed(&self) -> Vec<StepId> {
        self.ended().into_iter().map(|ended| ended.step).collect()
    }

    /// The same with what each ended with, as far as the trace tells: memos of the form that calls carry.
    pub fn recorded(&self) -> Vec<RecordedStep> {
        let recorded =
            self.ended().into_iter().map(|Ended { step, at, span, result }| RecordedStep {
                id: step,
                // Our own engine has the hash in the place of a name that it does not know.
                name: span.name.clone().filter(|name| *name != step.to_string()),
                ended_at: Some(at),
                memo: result.stored(span.step_op.as_deref()),
            });
        recorded.collect()
    }

    /// Whether what steps ended with is told to the byte.
    pub fn is_exact(&self) -> bool {
        self.ended().iter().all(|ended| ended.span.memo.is_some())
    }

    fn ended(&self) -> Vec<Ended<'_>> {
        let mut ended = Vec::new();
        self.root_span.collect(&mut ended);
        ended.sort_by_key(|ended| ended.at);
        ended
    }
}

/// A step that has ended.
struct Ended<'h> {
    step: StepId,
    at: Timestamp,
    /// Its own span.
    span: &'h Span,
    /// The one that tells its result: its own, or that of its last attempt.
    result: &'h Span,
}

impl Span {
    fn collect<'h>(&'h self, ended: &mut Vec<Ended<'h>>) {
        let step = self.step_id.as_deref().and_then(|id| id.parse::<StepId>().ok());
        if let (Some(step), Some(at)) = (step, self.ended_at) {
            match ended.iter_mut().find(|known| known.step == step) {
                Some(known) => {
                    // Attempts are spans of their own within the step's; the last one has its result.
                    if at >= known.at && self.output.is_some() {
                        known.result = self;
                    }
                    known.at = known.at.max(at);
                }
                None => ended.push(Ended { step, at, span: self, result: self }),
            }
        }
        for child in &self.children {
            child.collect(ended);
        }
    }

    /// What is stored for the step, put together from what the trace says.
    ///
    /// A server tells an object as it is and puts anything else into one with the member `data`. A result that is such an
    /// object itself is therefore mistaken for what is in it.
    fn stored(&self, op: Option<&str>) -> Box<RawValue> {
        if let Some(memo) = &self.memo {
            return memo.clone();
        }
        let output = self.output.clone().unwrap_or_default();
        let plain = |output: Value| match output.as_object() {
            Some(members) if members.len() == 1 => match members.get("data") {
                Some(inner) if !inner.is_object() => inner.clone(),
                _ => output,
            },
            _ => output,
        };
        let memo = match (op, self.status.as_deref()) {
            (Some("SLEEP"), _) => Value::Null,
            // The event as it came, or nothing when none did.
            (Some("WAIT_FOR_EVENT"), _) => output,
            (Some("WAIT_FOR_SIGNAL"), _) if output.is_null() => Value::Null,
            (_, Some("FAILED")) => json!({ "error": output }),
            _ => json!({ "data": plain(output) }),
        };
        to_raw_value(&memo).expect("it has string keys only")
    }
}

fn present<'de, D: serde::Deserializer<'de>>(json: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(json).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attempts_nested_spans_and_unfinished_steps_are_told_apart() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(StepId::hash);
        let at = |second: u32| format!("2026-08-30T10:00:{second:02}.5Z");
        let history: History = serde_json::from_value(json!({
            "runId": "01M81GXW71CEV7JQT6T4T8NAKZ",
            "rootSpan": {"id": "s", "name": "Run", "status": "RUNNING", "children": [
                {"stepId": a.to_string(), "endedAt": at(9), "children": [
                    {"stepId": a.to_string(), "endedAt": at(1)},
                    {"stepId": a.to_string(), "endedAt": at(9)},
                ]},
                {"name": "discovery", "endedAt": at(30), "children": [
                    {"stepId": b.to_string(), "endedAt": at(4)},
                    {"stepId": c.to_string()},
                ]},
                {"stepId": d.to_string(), "endedAt": at(4)},
                {"stepId": "not a hash", "endedAt": at(1)},
            ]},
        }))
        .expect("a trace");
        assert_eq!(history.completed(), [b, d, a]);
    }

    #[test]
    fn what_steps_ended_with_is_put_together_from_the_trace() {
        let of = |op: &str, status: &str, output: &Value| {
            let (id, at) = (StepId::hash("a"), "2026-08-30T10:00:00Z");
            let inner = json!({"stepId": id, "endedAt": at});
            let span = json!({"name": "a", "stepOp": op, "status": status, "stepId": id, "endedAt": at,
                "output": output, "children": [inner]});
            let history: History =
                serde_json::from_value(json!({"rootSpan": {"children": [span]}})).expect("a trace");
            assert!(!history.is_exact());
            let recorded = history.recorded();
            assert_eq!((recorded.len(), recorded[0].name.as_deref()), (1, Some("a")));
            recorded[0].memo.get().to_owned()
        };
        let event = json!({"name": "a/b", "data": {"n": 1}});
        for (op, status, output, memo) in [
            ("RUN", "COMPLETED", &json!({"n": 1}), r#"{"data":{"n":1}}"#),
            ("RUN", "COMPLETED", &json!({"data": 7}), r#"{"data":7}"#),
            ("RUN", "COMPLETED", &json!({"data": {"n": 1}}), r#"{"data":{"data":{"n":1}}}"#),
            ("RUN", "COMPLETED", &Value::Null, r#"{"data":null}"#),
            ("INVOKE", "FAILED", &json!({"message": "m"}), r#"{"error":{"message":"m"}}"#),
            ("SLEEP", "COMPLETED", &json!({"data": 1}), "null"),
            ("WAIT_FOR_EVENT", "COMPLETED", &event, r#"{"data":{"n":1},"name":"a/b"}"#),
            ("WAIT_FOR_EVENT", "COMPLETED", &Value::Null, "null"),
            ("WAIT_FOR_SIGNAL", "COMPLETED", &Value::Null, "null"),
        ] {
            assert_eq!(of(op, status, output), memo, "{op} {status} {output}");
        }
    }

    #[test]
    fn a_run_without_steps_has_no_order() {
        let history: History = serde_json::from_str(r#"{"rootSpan":{}}"#).expect("a trace");
        assert_eq!(history.completed(), []);
    }
}
