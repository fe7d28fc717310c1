//! The operator's settings.

use std::time::Duration;

use healing_policy::{Settings as Source, positive};
use serde_json::Value;

/// The program that is run where nothing is said.
const PROGRAM: &str = "joelclaw";

/// The operator's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The name under which the program is granted.
    pub(crate) program: String,
    /// How long a probe may take.
    pub(crate) status_within: Duration,
    /// How long the remedy may take.
    pub(crate) restart_within: Duration,
}

impl Settings {
    pub(crate) fn of(source: &impl Source) -> Self {
        let time = |key: &str, default: u64| {
            let set = source.setting(key).and_then(|text| positive(&Value::String(text)));
            Duration::from_millis(set.unwrap_or(default))
        };
        let program = source.setting("INNGEST_RUNTIME_PROGRAM").unwrap_or_default();
        let program = program.trim();
        Self {
            program: if program.is_empty() { PROGRAM } else { program }.to_owned(),
            status_within: time("INNGEST_RUNTIME_STATUS_TIMEOUT_MS", 15_000),
            restart_within: time("INNGEST_RUNTIME_RESTART_TIMEOUT_MS", 30_000),
        }
    }

    /// How the state of the runtime is asked for. `joelclaw` always answers with JSON; others are
    /// asked to.
    pub(crate) fn status(&self) -> Vec<String> {
        let mut words = vec!["inngest", "status"];
        if self.program != PROGRAM {
            words.push("--json");
        }
        words.into_iter().map(str::to_owned).collect()
    }

    /// The remedy. Never with `--force`: what runs this function must go on running.
    pub(crate) fn restart() -> Vec<String> {
        ["inngest", "restart-worker", "--register", "--wait-ms", "1500"].map(str::to_owned).to_vec()
    }
}
