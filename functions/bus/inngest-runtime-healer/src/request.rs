//! Why the runtime is looked at.

use healing_policy::positive;
use serde_json::Value;
use system_bus_sdk::prelude::*;

/// What other functions name this one's domain.
const DOMAIN: &str = "inngest-runtime";

/// Why the runtime is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) event: String,
    pub(crate) event_id: Option<String>,
    pub(crate) domain: String,
    pub(crate) dry_run: bool,
    pub(crate) attempt: u64,
    pub(crate) playbook: Value,
    pub(crate) evidence: Value,
}

impl Request {
    pub(crate) fn of(event: &Incoming<Value>) -> Self {
        let data = &event.data;
        let domain = data["domain"].as_str().map(str::trim).filter(|domain| !domain.is_empty());
        // Only a request for healing may be somebody else's.
        let everybody = if event.name == "system/self.healing.requested" { "all" } else { DOMAIN };
        Self {
            event: event.name.clone(),
            event_id: event.id.clone(),
            domain: domain.unwrap_or(everybody).to_owned(),
            dry_run: data["dryRun"].as_bool().unwrap_or(false),
            attempt: positive(&data["attempt"]).unwrap_or(0),
            playbook: data["playbook"].clone(),
            evidence: data["evidence"].clone(),
        }
    }

    /// Whether it is for this healer.
    pub(crate) fn is_ours(&self) -> bool {
        self.event != "system/self.healing.requested"
            || [DOMAIN, "all"].contains(&self.domain.as_str())
    }
}
