//! What is to be done about a failure.

use serde::{Deserialize, Serialize};

use crate::policy::Policy;

/// What is to be done.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Try again after a wait.
    Retry,
    /// Let it be for a while, then try again.
    Pause,
    /// Tell people.
    Escalate,
}

/// What is to be done about a failure, and why.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// How long to wait before it.
    pub delay_ms: u64,
    /// Why, for people.
    pub reason: String,
    /// How sure whoever decided is, from 0 to 1.
    pub confidence: f64,
    /// Who decided: a model, or the rule.
    pub model: String,
    /// The function that shall go on, where a model names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_to_function: Option<String>,
    /// The event that shall be sent, where a model names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_to_event_name: Option<String>,
}

impl Decision {
    /// Who decides where no model does.
    pub const RULE: &'static str = "deterministic-guardrail";

    /// The rule: wait while the budget lasts, then tell people.
    pub fn by_rule(attempt: u32, policy: &Policy, run: &str) -> Self {
        if attempt >= policy.max_retries {
            let most = policy.max_retries;
            return Self::escalated(format!("the budget is used up: attempt {attempt} of {most}"));
        }
        Self {
            action: Action::Pause,
            delay_ms: policy.wait(attempt, run),
            reason: format!("a bounded pause after attempt {attempt}"),
            ..Self::escalated(String::new())
        }
    }

    /// The rule's decision to tell people.
    pub fn escalated(reason: impl Into<String>) -> Self {
        Self {
            action: Action::Escalate,
            delay_ms: 0,
            reason: reason.into(),
            confidence: 1.0,
            model: Self::RULE.to_owned(),
            route_to_function: None,
            route_to_event_name: None,
        }
    }
}
