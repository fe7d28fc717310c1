//! What is to be checked.

use serde::{Deserialize, Serialize};

/// The data of the events that start a check.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthRequest {
    /// `core`, `signals` or `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// How much is checked.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The services.
    Core,
    /// What the telemetry says.
    Signals,
    /// Both.
    Full,
}

/// How a mode is meant: told beside what was found.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    /// How often it is asked for; 0 where only people ask.
    pub(crate) cadence_minutes: u32,
    pub(crate) importance: &'static str,
    pub(crate) alerts: &'static str,
    pub(crate) healing: &'static str,
    pub(crate) rank: u32,
}

impl Mode {
    /// The mode that was asked for, whatever its case; otherwise the one that goes with the event.
    pub fn of(asked: Option<&str>, event: &str) -> Self {
        match asked.map(|asked| asked.trim().to_ascii_lowercase()).as_deref() {
            Some("core") => Self::Core,
            Some("signals") => Self::Signals,
            Some("full") => Self::Full,
            _ if event == "system/health.check" => Self::Full,
            _ => Self::Core,
        }
    }

    /// Whether services are probed.
    pub fn has_services(self) -> bool {
        self != Self::Signals
    }

    /// Whether the telemetry is looked at.
    pub fn has_signals(self) -> bool {
        self != Self::Core
    }

    pub(crate) fn policy(self) -> Policy {
        let (cadence_minutes, importance, alerts, healing, rank) = match self {
            Self::Core => (15, "critical", "high", "automatic", 1),
            Self::Signals => (60, "high", "medium", "manual", 2),
            Self::Full => (0, "critical", "high", "manual", 0),
        };
        Policy { cadence_minutes, importance, alerts, healing, rank }
    }
}
