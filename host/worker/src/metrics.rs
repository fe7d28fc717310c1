//! What a worker counts, and `GET /metrics`, where Prometheus fetches it.
//!
//! All names begin with `system_bus_`. Labels hold what an operator chose (functions, components, capabilities) and never
//! what came over the wire: a stranger cannot make series.

mod scrape;
mod state;

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use protocol::call::Attempt;
use protocol::op::{Op, OpCode, Retry, Timing};
use protocol::outcome::Outcome;

pub use self::scrape::router;
pub(crate) use self::state::State;

/// The bounds of how long calls and bodies take, in seconds: from what a step costs that does nothing to the longest calls.
const BOUNDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0];

/// What the server asks for and this worker does not have.
const UNKNOWN: &str = "unknown";

/// A function, as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    function: String,
}

/// A function and what became of its call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Became {
    function: String,
    outcome: &'static str,
}

/// A function and what it told the server of a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    function: String,
    op: &'static str,
}

type Durations = Family<Of, Histogram, fn() -> Histogram>;

/// What happened since the start. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    calls: Family<Became, Counter>,
    retries: Family<Of, Counter>,
    took: Durations,
    busy: Family<Of, Counter<f64, std::sync::atomic::AtomicU64>>,
    steps: Family<Told, Counter>,
    bodies: Durations,
}

impl Default for Metrics {
    fn default() -> Self {
        let durations = || Durations::new_with_constructor(|| Histogram::new(BOUNDS));
        Self {
            calls: Family::default(),
            retries: Family::default(),
            took: durations(),
            busy: Family::default(),
            steps: Family::default(),
            bodies: durations(),
        }
    }
}

impl Metrics {
    /// Puts all of it among what is told at a scrape.
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "system_bus_calls",
            "Calls of the server, by function and by what became of them",
            self.calls.clone(),
        );
        registry.register(
            "system_bus_retries",
            "Calls that were not the first attempt",
            self.retries.clone(),
        );
        registry.register(
            "system_bus_call_seconds",
            "From a call's arrival to its reply: guest, host and what they wait for",
            self.took.clone(),
        );
        registry.register(
            "system_bus_guest_seconds",
            "How long guests kept a processor busy; the rest of a call is the host, and waiting",
            self.busy.clone(),
        );
        registry.register(
            "system_bus_steps",
            "What functions told of their steps, by the name of the op on the wire",
            self.steps.clone(),
        );
        registry.register(
            "system_bus_step_seconds",
            "How long bodies of steps ran, whether they succeeded or failed",
            self.bodies.clone(),
        );
    }

    /// Counts a call that was answered. `function` is none where the worker does not have it.
    pub(crate) fn answered(
        &self,
        function: Option<&str>,
        attempt: Attempt,
        outcome: Option<&Outcome>,
        took: Duration,
    ) {
        let function = function.unwrap_or(UNKNOWN).to_owned();
        let of = Of { function: function.clone() };
        if attempt.number > 0 {
            self.retries.get_or_create(&of).inc();
        }
        self.took.get_or_create(&of).observe(took.as_secs_f64());
        let outcome = outcome.map_or("not-handled", name);
        self.calls.get_or_create(&Became { function, outcome }).inc();
    }

    /// Counts what a guest kept a processor busy for.
    pub(crate) fn busy(&self, function: &str, busy: Duration) {
        let of = Of { function: function.to_owned() };
        self.busy.get_or_create(&of).inc_by(busy.as_secs_f64());
    }

    /// Counts the steps that a call ends with.
    pub(crate) fn ended(&self, function: &str, attempt: Attempt, outcome: &Outcome) {
        match outcome {
            Outcome::Planned(ops) => ops.iter().for_each(|op| self.told(function, op)),
            // Without a moment it is an earlier result, told again.
            Outcome::StepRan { timing: Some(timing), .. } => {
                self.step(function, "StepRun", Some(*timing));
            }
            Outcome::StepFailed { timing: Some(timing), retry, .. } => {
                let last = *retry == Retry::Never || attempt.is_last();
                let op = if last { "StepFailed" } else { "StepError" };
                self.step(function, op, Some(*timing));
            }
            _ => {}
        }
    }

    /// Counts one step that the server is told of.
    pub(crate) fn told(&self, function: &str, op: &Op) {
        let timing = match &op.code {
            OpCode::StepRun { timing, .. }
            | OpCode::StepError { timing, .. }
            | OpCode::StepFailed { timing, .. } => *timing,
            _ => None,
        };
        self.step(function, op.code.name(), timing);
    }

    fn step(&self, function: &str, op: &'static str, timing: Option<Timing>) {
        let function = function.to_owned();
        if let Some(timing) = timing {
            let of = Of { function: function.clone() };
            self.bodies.get_or_create(&of).observe(timing.took.as_secs_f64());
        }
        self.steps.get_or_create(&Told { function, op }).inc();
    }
}

/// What became of a call, in one word.
pub(crate) fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Planned(_) => "planned",
        Outcome::Switch => "switch",
        Outcome::Again { .. } => "again",
        Outcome::Superseded => "superseded",
        Outcome::StepRan { .. } => "step-ran",
        Outcome::StepFailed { .. } => "step-failed",
        Outcome::Failed { .. } => "failed",
        Outcome::TargetNotFound { .. } => "not-found",
        // Answers between versions; none of them leaves the worker.
        Outcome::Fits | Outcome::Unfit(_) => "unfit",
    }
}

#[cfg(test)]
mod tests;
