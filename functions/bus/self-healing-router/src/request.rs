//! A request for healing, read as leniently as it is written.

use healing_policy::positive;
use serde_json::{Map, Value};
use system_bus_sdk::prelude::*;

use crate::owner;

/// A request for healing.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its event.
    pub(crate) event: String,
    /// The id of its event.
    pub(crate) event_id: Option<String>,
    /// Who found it.
    pub(crate) source_function: String,
    /// What is to be healed.
    pub(crate) target_component: String,
    /// Which healer it is for; `all` unless said.
    pub(crate) domain: String,
    /// How often healing was tried before.
    pub(crate) attempt: u32,
    /// The event to send again, where it names one.
    pub(crate) target_event: Option<String>,
    /// The required members that it lacks.
    pub(crate) missing: Vec<&'static str>,
    /// All its members.
    pub(crate) data: Map<String, Value>,
}

impl Request {
    pub(crate) fn of(event: &Incoming<Value>) -> Self {
        let data = event.data.as_object().cloned().unwrap_or_default();
        let text = |name: &str| {
            let text = data.get(name).and_then(Value::as_str).unwrap_or_default();
            text.trim().to_owned()
        };
        let required = ["sourceFunction", "targetComponent", "problemSummary"];
        let missing = required.into_iter().filter(|name| text(name).is_empty()).collect();
        let named = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
        let attempt = data.get("attempt").and_then(positive).unwrap_or(0);
        Self {
            event: event.name.clone(),
            event_id: event.id.clone(),
            source_function: text("sourceFunction"),
            target_component: text("targetComponent"),
            domain: named("domain").unwrap_or_else(|| "all".to_owned()),
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX - 1),
            target_event: named("targetEventName").or_else(|| named("routeToEventName")),
            missing,
            data,
        }
    }

    /// A member; `null` where there is none.
    pub(crate) fn member(&self, name: &str) -> Value {
        self.data.get(name).cloned().unwrap_or_default()
    }

    /// The attempt after this one.
    pub(crate) fn next_attempt(&self) -> u32 {
        self.attempt + 1
    }

    /// Who heals this instead of the router, if somebody does.
    pub(crate) fn owner(&self) -> Option<&'static str> {
        owner::of(&self.domain, self.target_event.as_deref())
    }

    /// Equal for requests about the same thing.
    pub(crate) fn run_context_key(&self) -> String {
        let target = self.target_event.as_deref().unwrap_or("none");
        format!(
            "{}::{}::{}::{}::{target}::next-{}",
            self.event,
            self.source_function,
            self.target_component,
            self.domain,
            self.next_attempt()
        )
    }
}
