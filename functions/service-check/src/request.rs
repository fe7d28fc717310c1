//! What is to be checked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a probe waits unless the event says.
const PATIENCE: u64 = 1200;
/// How long it waits at least: below that a loaded machine looks dead.
const LEAST_PATIENCE: u64 = 600;

/// The data of the event that starts a check.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicesRequest {
    /// `core`, `signals` or `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// What to probe; the server and the worker at their usual places if empty.
    pub targets: Vec<Target>,
    /// How long each probe waits, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether healers shall only say what they would do.
    pub dry_run: bool,
}

impl ServicesRequest {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.unwrap_or(PATIENCE).max(LEAST_PATIENCE))
    }

    pub(crate) fn targets(&self) -> Vec<Target> {
        if !self.targets.is_empty() {
            return self.targets.clone();
        }
        let server = Probe::Http { url: "http://127.0.0.1:8288/health".to_owned(), expect: None };
        let worker = Probe::Tcp { address: "127.0.0.1:3111".to_owned() };
        vec![
            Target { name: "Inngest".to_owned(), probe: server },
            Target { name: "Worker".to_owned(), probe: worker },
        ]
    }
}

/// A service and how to see whether it is up.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What people call it; different for each target.
    pub name: String,
    /// How to see whether it is up.
    #[serde(flatten)]
    pub probe: Probe,
}

/// How to see whether a service is up.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Probe {
    /// It answers a GET request.
    Http {
        /// Where.
        url: String,
        /// With this status; any from 200 to 299 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect: Option<u16>,
    },
    /// It accepts connections, whatever it speaks on them.
    Tcp {
        /// Host and port.
        address: String,
    },
}

/// How much is checked.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The services.
    Core,
    /// What the telemetry says; has no probes yet.
    Signals,
    /// Both.
    Full,
}

impl Mode {
    /// The mode that was asked for, whatever its case; the services unless it is known.
    pub fn of(asked: Option<&str>) -> Self {
        match asked.map(str::to_ascii_lowercase).as_deref() {
            Some("signals") => Self::Signals,
            Some("full") => Self::Full,
            _ => Self::Core,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Signals => "signals",
            Self::Full => "full",
        }
    }
}
