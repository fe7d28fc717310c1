//! The event that asks for healing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use system_bus_sdk::prelude::*;

use crate::SOURCE;
use crate::report::Found;
use crate::request::{HealthRequest, Mode};
use crate::resolve::Service;

/// Asks for healing.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("system/self.healing.requested")]
#[serde(rename_all = "camelCase")]
pub struct HealingRequested {
    /// Who found it.
    pub source_function: String,
    /// What is to be healed.
    pub target_component: String,
    /// The event that has its healer look.
    pub target_event_name: String,
    /// What is wrong, in one line.
    pub problem_summary: String,
    /// Which healer it is for.
    pub domain: String,
    /// How often healing was tried before.
    pub attempt: u32,
    /// What was seen.
    pub evidence: Vec<Evidence>,
    /// How it came to be seen.
    pub context: Value,
    /// What may be done about it.
    pub playbook: Playbook,
    /// How often and when it may be tried again; the healer's own way if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<Value>,
    /// Who answers for it.
    pub owner: String,
    /// What happens when healing fails.
    pub fallback_action: String,
    /// Who asked for the check.
    pub requested_by: String,
    /// Whether healers shall only say what they would do.
    pub dry_run: bool,
}

/// Something that was seen.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What sort of thing.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it was.
    pub detail: String,
}

/// What may be done.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Playbook {
    /// What to do, in words.
    pub actions: Vec<String>,
    /// What may be started anew.
    pub restart: Vec<String>,
    /// What may be ended.
    pub kill: Vec<String>,
    /// What shall wait meanwhile.
    pub defer: Vec<String>,
    /// Where it is told.
    pub notify: Vec<String>,
    /// Where to read more.
    pub links: Vec<String>,
}

/// What is asked of whom.
pub(super) struct Target<'a> {
    pub(super) domain: &'static str,
    pub(super) event: &'static str,
    pub(super) names: String,
    pub(super) down: Vec<&'a Service>,
}

pub(super) fn request(
    run: &str,
    event: &Incoming<HealthRequest>,
    mode: Mode,
    found: &Found,
    target: &Target<'_>,
) -> HealingRequested {
    let seen = |one: &&Service| Evidence {
        kind: "probe".to_owned(),
        detail: format!("{}: {}", one.name, one.detail),
    };
    let evidence: Vec<_> = target.down.iter().map(seen).collect();
    let summary: Vec<_> = evidence.iter().map(|one| one.detail.as_str()).collect();
    let all: Vec<_> = found.down().map(|one| one.name.as_str()).collect();
    let context = json!({
        "checkMode": mode,
        "services": all,
        "runContextKey": format!(
            "{}::{SOURCE}::{}::{}::{}::a0::e{}",
            event.name, target.names, target.domain, target.event, evidence.len()
        ),
        "flowTrace": [event.name, SOURCE, HealingRequested::NAME],
        "summaryLine": format!(
            "{} of {} services down: {}", all.len(), found.services.len(), all.join(", ")
        ),
        "sourceEventName": event.name,
        "sourceEventId": event.id,
        "evidenceSummary": summary.join("; "),
        "flowContext": { "runId": run, "policy": mode.policy() },
        "serviceDetails": found.services,
    });
    let is_gateway = target.domain == super::GATEWAY.name;
    HealingRequested {
        source_function: SOURCE.to_owned(),
        target_component: target.names.clone(),
        target_event_name: target.event.to_owned(),
        problem_summary: format!("{} down: {}", target.names, summary.join("; ")),
        domain: target.domain.to_owned(),
        attempt: 0,
        context,
        playbook: playbook(is_gateway),
        evidence,
        retry_policy: is_gateway.then(|| {
            json!({
                "maxRetries": 10, "sleepMinMs": 90_000, "sleepMaxMs": 900_000, "sleepStepMs": 45_000,
            })
        }),
        owner: "system".to_owned(),
        fallback_action: "manual".to_owned(),
        requested_by: event.data.source.clone().unwrap_or_else(|| SOURCE.to_owned()),
        dry_run: false,
    }
}

fn playbook(is_gateway: bool) -> Playbook {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    if is_gateway {
        return Playbook {
            actions: lines(&[
                "probe the gateway and Redis again",
                "take stale entries out of queues",
            ]),
            restart: lines(&["gateway"]),
            defer: lines(&["messages to people"]),
            notify: lines(&["otel search system.health.self-healing.dispatch"]),
            ..Playbook::default()
        };
    }
    Playbook {
        actions: lines(&["probe the runtime again", "register the worker anew"]),
        restart: lines(&["inngest restart-worker --register --wait-ms 1500"]),
        notify: lines(&["otel search system.self-healing.inngest-runtime"]),
        ..Playbook::default()
    }
}
