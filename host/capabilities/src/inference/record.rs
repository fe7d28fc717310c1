//! Records of use: what was asked, by whom, where it went, and what it cost. Never what was said.

use std::time::{Duration, Instant};

use super::answer::Said;
use super::question::Subject;

/// What is recorded of one question.
#[derive(Debug)]
pub(super) struct Record<'q> {
    subject: &'q Subject,
    task: Option<&'q str>,
    began: Instant,
}

impl<'q> Record<'q> {
    /// A question begins.
    pub(super) fn request(subject: &'q Subject, task: Option<&'q str>, within: Duration) -> Self {
        let Subject { caller, component, action } = subject;
        let within_ms = milliseconds(within);
        tracing::info!(
            target: "telemetry", record = "inference.request",
            caller, component, action, task, within_ms, "asking a model"
        );
        Self { subject, task, began: Instant::now() }
    }

    /// One provider is asked.
    pub(super) fn route(&self, provider: &str, model: Option<&str>, attempt: u32) {
        let Subject { caller, component, action } = self.subject;
        tracing::info!(
            target: "telemetry", record = "inference.route",
            caller, component, action, task = self.task, provider, model, attempt,
            "a provider is asked"
        );
    }

    /// One provider came to nothing, and the next one is asked.
    pub(super) fn fallback(&self, provider: &str, attempt: u32, why: &str) {
        let Subject { caller, component, action } = self.subject;
        tracing::warn!(
            target: "telemetry", record = "inference.fallback",
            caller, component, action, provider, attempt, why, "a provider came to nothing"
        );
    }

    /// Nothing was asked, because it failed too often before.
    pub(super) fn skipped(&self, what: &str, left: Duration) {
        let Subject { caller, component, action } = self.subject;
        let left_ms = milliseconds(left);
        tracing::warn!(
            target: "telemetry", record = "inference.circuit.skipped_call",
            caller, component, action, what, left_ms, "not asked: it failed too often"
        );
    }

    /// It was answered.
    pub(super) fn result(&self, provider: &str, attempt: u32, said: &Said) {
        let Subject { caller, component, action } = self.subject;
        let duration_ms = milliseconds(self.began.elapsed());
        let (input_tokens, output_tokens) =
            said.usage.as_ref().map(|usage| (usage.input_tokens, usage.output_tokens)).unzip();
        tracing::info!(
            target: "telemetry", record = "inference.result", success = true,
            caller, component, action, task = self.task, provider, model = said.model, attempt,
            input_tokens, output_tokens, duration_ms, "a model answered"
        );
    }

    /// It was not.
    pub(super) fn failure(&self, why: &str) {
        let Subject { caller, component, action } = self.subject;
        let duration_ms = milliseconds(self.began.elapsed());
        tracing::warn!(
            target: "telemetry", record = "inference.failure", success = false,
            caller, component, action, task = self.task, duration_ms, why, "no model answered"
        );
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
