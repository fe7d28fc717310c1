//! The events that ask for healing: one for each service that is down.

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::report::{Report, Service};
use crate::request::{Mode, ServicesRequest};

/// What requests name as their source.
const SOURCE: &str = "check/services";

/// Asks for the healing of a service.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("system/self.healing.requested")]
#[serde(rename_all = "camelCase")]
pub struct HealingRequested {
    /// Who found it.
    pub source_function: String,
    /// What is to be healed.
    pub target_component: String,
    /// The event that starts what was interrupted, or looks again.
    pub target_event_name: String,
    /// What is wrong, in one line.
    pub problem_summary: String,
    /// Which healer it is for.
    pub domain: String,
    /// How often healing was tried before.
    pub attempt: u32,
    /// Why we think so.
    pub evidence: Vec<Evidence>,
    /// How we came to think so.
    pub context: Context,
    /// What may be done.
    pub playbook: Playbook,
    /// Who answers for it.
    pub owner: String,
    /// What happens when healing fails.
    pub fallback_action: String,
    /// Who asked for the check.
    pub requested_by: String,
    /// Whether healers shall only say what they would do.
    pub dry_run: bool,
}

/// One reason to think that something is wrong.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What sort of reason.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was seen.
    pub detail: String,
}

/// How the check went that found it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// How much was checked.
    pub check_mode: Mode,
    /// All services that are down.
    pub services: Vec<String>,
    /// Equal for requests about the same thing.
    pub run_context_key: String,
    /// The way here.
    pub flow_trace: Vec<String>,
    /// The check in one line.
    pub summary_line: String,
    /// The event that started the check.
    pub source_event_name: String,
    /// Its id.
    pub source_event_id: Option<String>,
    /// The evidence in one line.
    pub evidence_summary: String,
    /// Where to look the check up.
    pub flow_context: FlowContext,
    /// All services, as they were found.
    pub service_details: Vec<Service>,
}

/// Where to look a check up.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FlowContext {
    /// The run of the check.
    pub run_id: String,
}

/// What may be done about it.
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
    /// Whom to tell.
    pub notify: Vec<String>,
    /// Where to read more.
    pub links: Vec<String>,
}

/// The requests that follow from a report.
pub(crate) fn requests(
    run_id: &str,
    event: &Incoming<ServicesRequest>,
    report: &Report,
) -> Vec<HealingRequested> {
    report.down().map(|service| request(run_id, event, report, service)).collect()
}

fn request(
    run_id: &str,
    event: &Incoming<ServicesRequest>,
    report: &Report,
    service: &Service,
) -> HealingRequested {
    let (domain, target_event_name) = route(&service.name);
    let problem_summary = format!("{} is down: {}", service.name, service.detail);
    let evidence = vec![
        Evidence { kind: "probe".to_owned(), detail: service.detail.clone() },
        Evidence { kind: "duration".to_owned(), detail: format!("{} ms", service.ms) },
    ];
    let down: Vec<_> = report.down().map(|service| service.name.clone()).collect();
    let context = Context {
        check_mode: report.mode,
        run_context_key: format!(
            "{}::{SOURCE}::{}::{domain}::{target_event_name}::a0::e{}",
            event.name,
            service.name,
            evidence.len()
        ),
        flow_trace: vec![event.name.clone(), SOURCE.to_owned(), HealingRequested::NAME.to_owned()],
        summary_line: format!(
            "{} of {} services down in a {} check: {}",
            down.len(),
            report.services.len(),
            report.mode.name(),
            down.join(", ")
        ),
        services: down,
        source_event_name: event.name.clone(),
        source_event_id: event.id.clone(),
        evidence_summary: service.detail.clone(),
        flow_context: FlowContext { run_id: run_id.to_owned() },
        service_details: report.services.clone(),
    };
    HealingRequested {
        source_function: SOURCE.to_owned(),
        target_component: service.name.clone(),
        target_event_name: target_event_name.to_owned(),
        problem_summary,
        domain,
        attempt: 0,
        evidence,
        context,
        playbook: playbook(&service.name),
        owner: "system".to_owned(),
        fallback_action: "manual".to_owned(),
        requested_by: event.data.source.clone().unwrap_or_else(|| SOURCE.to_owned()),
        dry_run: event.data.dry_run,
    }
}

/// The domain of a service, and the event that looks after it.
fn route(service: &str) -> (String, &'static str) {
    let words = service.to_ascii_lowercase();
    let words: Vec<_> =
        words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    match &words[..] {
        ["inngest" | "worker"] => {
            ("inngest-runtime".to_owned(), "system/inngest.runtime.health.requested")
        }
        ["gateway" | "redis"] => ("gateway-bridge".to_owned(), "gateway/health.check.requested"),
        words => (words.join("-"), "system/services.check.requested"),
    }
}

fn playbook(service: &str) -> Playbook {
    Playbook {
        actions: vec![
            format!("probe {service} again before touching it"),
            format!("start {service} if it is still down"),
        ],
        restart: vec![service.to_owned()],
        ..Playbook::default()
    }
}
