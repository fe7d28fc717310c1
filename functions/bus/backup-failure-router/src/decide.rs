//! The decision: by the rule, or by a model where the operator wants one.

use healing_policy::{Decision, Policy, is_on};
use serde_json::Value;
use system_bus_sdk::prelude::*;

use crate::failure::BackupFailure;

/// The setting that lets a model decide. Off by default: one failure that two routers asked models
/// about was asked about by the thousand once.
const MODEL_DECIDES: &str = "JOELCLAW_BACKUP_FAILURE_MODEL_ROUTER";

/// What a model is told before.
const SYSTEM: &str = "You decide about one failed backup. Answer with one JSON object and nothing \
    else: {\"action\": \"retry|pause|escalate\", \"delayMs\": number, \"reason\": string, \
    \"confidence\": number from 0 to 1}. Retry what may work at once, pause what needs time, escalate \
    what needs a person.";

/// Decides. Settings are read here, in the body of a step, so that a replay decides the same.
///
/// No model is asked where the answer is known: without budget, and where another run would fail too.
pub(crate) fn decide(io: &Io, failure: &BackupFailure, run: &str) -> Decision {
    let settings = |key: &str| io.config(key);
    let policy = Policy::of_settings(&settings).asked(&failure.data_of("retryPolicy"));
    if let Some(reason) = failure.final_reason() {
        return Decision::escalated(format!("another run would fail as well: {reason}"));
    }
    let by_rule = Decision::by_rule(failure.attempt, &policy, run);
    if failure.attempt >= policy.max_retries || !is_on(&settings, MODEL_DECIDES) {
        return by_rule;
    }
    ask(io, failure, &policy, run).unwrap_or(by_rule)
}

/// Asks the preferred model, then the one after it. None where neither gave a decision.
fn ask(io: &Io, failure: &BackupFailure, policy: &Policy, run: &str) -> Option<Decision> {
    let set = |keys: [&str; 2]| {
        let mut values = keys.into_iter().filter_map(|key| io.config(key));
        values.find(|value| !value.trim().is_empty())
    };
    let first = set(["SELF_HEALING_ROUTER_MODEL", "BACKUP_FAILURE_ROUTER_MODEL"]);
    let second =
        set(["SELF_HEALING_ROUTER_FALLBACK_MODEL", "BACKUP_FAILURE_ROUTER_FALLBACK_MODEL"]);
    // Without a name the operator's own order of models holds.
    let models = if second.is_some() { vec![first, second] } else { vec![first] };
    models.into_iter().find_map(|model| {
        let told = Value::Object(failure.data.clone());
        let prompt = format!(
            "The failure:\n{told:#}\n\nRuns asked for before: {}\nAt most: {}",
            failure.attempt, policy.max_retries
        );
        let question = io.inference().ask(prompt).system(SYSTEM).task("json");
        let question = question.component("nas-backup").action("system.backup.failure.decision");
        let question = match &model {
            Some(model) => question.model(model),
            None => question,
        };
        match question.within(Duration::from_mins(1)).send() {
            Ok(reply) => {
                Decision::of_answer(&reply.text, &reply.model, failure.attempt, policy, run)
            }
            Err(problem) => {
                log::warn!("no model decided: {problem}");
                None
            }
        }
    })
}

impl BackupFailure {
    fn data_of(&self, member: &str) -> Value {
        self.data.get(member).cloned().unwrap_or_default()
    }
}
