//! The decision: by the rule, or by a model where the operator wants one.

use healing_policy::{Decision, Policy, is_on};
use serde_json::Value;
use system_bus_sdk::prelude::*;

use crate::request::Request;

/// The setting that lets a model decide. Off by default: failing healers asked models by the
/// thousand once.
const MODEL_DECIDES: &str = "JOELCLAW_SELF_HEALING_MODEL_ROUTER";

/// What a model is told before.
const SYSTEM: &str = "You decide about one failed part of a system. Answer with one JSON object and \
    nothing else: {\"action\": \"retry|pause|escalate\", \"delayMs\": number, \"reason\": string, \
    \"routeToEventName\": string (optional), \"confidence\": number from 0 to 1}. Retry what may work \
    at once, pause what needs time, escalate what needs a person.";

/// A decision, and the policy by which it was made.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    pub(crate) policy: Policy,
}

/// Decides. Settings are read here, in the body of a step, so that a replay decides the same.
pub(crate) fn decide(io: &Io, request: &Request, run: &str) -> Decided {
    let settings = |key: &str| io.config(key);
    let policy = Policy::of_settings(&settings).asked(&request.member("retryPolicy"));
    let by_model = is_on(&settings, MODEL_DECIDES).then(|| ask(io, request, &policy, run));
    let decision =
        by_model.flatten().unwrap_or_else(|| Decision::by_rule(request.attempt, &policy, run));
    Decided { decision, policy }
}

/// Asks the preferred model, then the one after it. None where neither gave a decision.
fn ask(io: &Io, request: &Request, policy: &Policy, run: &str) -> Option<Decision> {
    let setting = |key| io.config(key).filter(|model| !model.trim().is_empty());
    let first = setting("SELF_HEALING_ROUTER_MODEL");
    let second = setting("SELF_HEALING_ROUTER_FALLBACK_MODEL");
    // Without a name the operator's own order of models holds.
    let models = if second.is_some() { vec![first, second] } else { vec![first] };
    models.into_iter().find_map(|model| {
        let prompt = prompt(request, policy);
        let question = io.inference().ask(prompt).system(SYSTEM).task("json");
        let question = question.component("self-healing").action("system.self.healing.decision");
        let question = match &model {
            Some(model) => question.model(model),
            None => question,
        };
        match question.within(Duration::from_mins(1)).send() {
            Ok(reply) => {
                Decision::of_answer(&reply.text, &reply.model, request.attempt, policy, run)
            }
            Err(problem) => {
                log::warn!("no model decided: {problem}");
                None
            }
        }
    })
}

fn prompt(request: &Request, policy: &Policy) -> String {
    let request_json = Value::Object(request.data.clone());
    format!(
        "The request:\n{request_json:#}\n\nAttempts before: {}\nRetries at most: {}",
        request.attempt, policy.max_retries
    )
}
