//! What the server tells of a run's past: its trace, from which the order follows in which its steps completed.

use jiff::Timestamp;
use serde::Deserialize;

use crate::id::StepId;

/// A run's trace: the `data` of `GET /v2/runs/{id}/trace`. Only what the order needs is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    root_span: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(default)]
    step_id: Option<String>,
    #[serde(default)]
    ended_at: Option<Timestamp>,
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
        let mut ended: Vec<(StepId, Timestamp)> = Vec::new();
        self.root_span.collect(&mut ended);
        ended.sort_by_key(|(_, at)| *at);
        ended.into_iter().map(|(step, _)| step).collect()
    }
}

impl Span {
    fn collect(&self, ended: &mut Vec<(StepId, Timestamp)>) {
        let step = self.step_id.as_deref().and_then(|id| id.parse::<StepId>().ok());
        if let (Some(step), Some(at)) = (step, self.ended_at) {
            match ended.iter_mut().find(|(known, _)| *known == step) {
                Some((_, last)) => *last = (*last).max(at),
                None => ended.push((step, at)),
            }
        }
        for child in &self.children {
            child.collect(ended);
        }
    }
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
    fn a_run_without_steps_has_no_order() {
        let history: History = serde_json::from_str(r#"{"rootSpan":{}}"#).expect("a trace");
        assert_eq!(history.completed(), []);
    }
}
