//! What the model reports of each stage, and the schema it is given for that.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use system_bus_sdk::prelude::{Deserialize, Serialize};

/// What a stage ended with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub(crate) enum Staged<T> {
    /// It has come to its end.
    Done {
        /// What was reported.
        report: T,
    },
    /// It has not.
    Failed {
        /// Why: the last words, or the command that failed.
        why: String,
    },
}

/// What is reported of the work.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Implemented {
    /// `implemented` or `blocked`.
    pub(crate) status: String,
    pub(crate) summary: String,
}

/// What is reported of the proof.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Proved {
    pub(crate) overall_pass: bool,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) criteria_results: Vec<Value>,
    /// The commit with what was mended on the way; ours, whatever the model says.
    #[serde(default)]
    pub(crate) fix_commit_sha: Option<String>,
}

/// What is judged.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Judged {
    /// `PASS` or `FAIL`.
    pub(crate) verdict: String,
    pub(crate) feedback: String,
    #[serde(default)]
    pub(crate) retry_guidance: Vec<String>,
}

/// A report with its schema.
pub(crate) trait Report: DeserializeOwned {
    /// The stage.
    const STAGE: &'static str;

    /// What the model's answer has to look like.
    fn schema() -> Value;
}

/// An object with exactly these members.
fn object(members: &Value) -> Value {
    let required: Vec<&String> =
        members.as_object().map(|all| all.keys().collect()).unwrap_or_default();
    json!({
        "type": "object",
        "required": required,
        "properties": members,
        "additionalProperties": false,
    })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn validation() -> Value {
    object(&json!({
        "commands_run": texts(),
        "all_passed": { "type": "boolean" },
        "failures": texts(),
    }))
}

impl Report for Implemented {
    const STAGE: &'static str = "implement";

    fn schema() -> Value {
        object(&json!({
            "status": { "type": "string", "enum": ["implemented", "blocked"] },
            "summary": { "type": "string" },
            "validation": validation(),
            "commit": object(&json!({
                "created": { "type": "boolean" },
                "sha": { "type": ["string", "null"] },
                "message": { "type": "string" },
            })),
            "next_actions": texts(),
        }))
    }
}

impl Report for Proved {
    const STAGE: &'static str = "prove";

    fn schema() -> Value {
        let result = object(&json!({
            "criterion": { "type": "string" },
            "pass": { "type": "boolean" },
            "evidence": { "type": "string" },
            "issues": texts(),
        }));
        object(&json!({
            "overall_pass": { "type": "boolean" },
            "summary": { "type": "string" },
            "proof_path": { "type": "string" },
            "validation": validation(),
            "criteria_results": { "type": "array", "items": result },
            "fixes_committed": { "type": "boolean" },
            "fix_commit_sha": { "type": ["string", "null"] },
        }))
    }
}

impl Report for Judged {
    const STAGE: &'static str = "judge";

    fn schema() -> Value {
        let evaluation = object(&json!({
            "criterion": { "type": "string" },
            "pass": { "type": "boolean" },
            "rationale": { "type": "string" },
        }));
        object(&json!({
            "verdict": { "type": "string", "enum": ["PASS", "FAIL"] },
            "feedback": { "type": "string" },
            "retry_guidance": texts(),
            "criteria_evaluation": { "type": "array", "items": evaluation },
        }))
    }
}

/// Finds a report in what a model said: the whole, or from its first brace to its last.
pub(crate) fn found<T: DeserializeOwned>(text: &str) -> Option<T> {
    let whole = serde_json::from_str(text.trim()).ok();
    whole.or_else(|| {
        let (first, last) = (text.find('{')?, text.rfind('}')?);
        serde_json::from_str(text.get(first..=last)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_found_among_other_words() {
        for (text, verdict) in [
            (r#"{"verdict":"PASS","feedback":"good"}"#, Some("PASS")),
            ("Here:\n```json\n{\"verdict\":\"FAIL\",\"feedback\":\"\"}\n```", Some("FAIL")),
            (r#"{"verdict":"PASS"}"#, None),
            ("} nothing {", None),
            ("", None),
        ] {
            let judged: Option<Judged> = found(text);
            assert_eq!(judged.map(|judged| judged.verdict).as_deref(), verdict, "{text}");
        }
    }

    #[test]
    fn schemas_ask_for_every_member() {
        for schema in [Implemented::schema(), Proved::schema(), Judged::schema()] {
            let members = schema["properties"].as_object().expect("it has some").len();
            assert_eq!(schema["required"].as_array().expect("a list").len(), members);
        }
    }
}
