//! Records of use: what was asked, by whom, where it went, and what it cost. Never what was said.

use std::time::{Duration, Instant};

use runtime::Caller;

use super::answer::Said;
use super::question::Subject;

/// What is recorded of one question. What its component wrote, and what a provider said, is shown without secrets and
/// cut short.
#[derive(Debug)]
pub(super) struct Record<'c> {
    /// Whether it is recorded at all: a call has so many records.
    told: bool,
    asks: &'c Caller,
    component: String,
    action: String,
    task: Option<String>,
    began: Instant,
}

impl<'c> Record<'c> {
    /// A question begins.
    pub(super) fn request(
        asks: &'c Caller,
        subject: &Subject,
        task: Option<&str>,
        within: Duration,
    ) -> Self {
        let (component, action) = (asks.shown(&subject.component), asks.shown(&subject.action));
        let task = task.map(|task| asks.shown(task));
        let within_ms = milliseconds(within);
        let told = asks.may_record();
        if told {
            tracing::info!(
                target: "telemetry", record = "inference.request",
                caller = &*asks.component, component, action, task, within_ms, "asking a model"
            );
        }
        Self { told, asks, component, action, task, began: Instant::now() }
    }

    /// One provider is asked.
    pub(super) fn route(&self, provider: &str, model: Option<&str>, attempt: u32) {
        let Self { asks, component, action, task, .. } = self;
        if !self.told {
            return;
        }
        let caller = &*asks.component;
        tracing::info!(
            target: "telemetry", record = "inference.route",
            caller, component, action, task, provider, model, attempt,
            "a provider is asked"
        );
    }

    /// One provider came to nothing, and the next one is asked.
    pub(super) fn fallback(&self, provider: &str, attempt: u32, why: &str) {
        let Self { asks, component, action, .. } = self;
        if !self.told {
            return;
        }
        let caller = &*asks.component;
        tracing::warn!(
            target: "telemetry", record = "inference.fallback",
            caller, component, action, provider, attempt, why = asks.shown(why), "a provider came to nothing"
        );
    }

    /// Nothing was asked, because it failed too often before.
    pub(super) fn skipped(&self, what: &str, left: Duration) {
        let Self { asks, component, action, .. } = self;
        if !self.told {
            return;
        }
        let caller = &*asks.component;
        let left_ms = milliseconds(left);
        tracing::warn!(
            target: "telemetry", record = "inference.circuit.skipped_call",
            caller, component, action, what = asks.shown(what), left_ms, "not asked: it failed too often"
        );
    }

    /// It was answered.
    pub(super) fn result(&self, provider: &str, attempt: u32, said: &Said) {
        let Self { asks, component, action, task, .. } = self;
        if !self.told {
            return;
        }
        let caller = &*asks.component;
        let duration_ms = milliseconds(self.began.elapsed());
        let (input_tokens, output_tokens) =
            said.usage.as_ref().map(|usage| (usage.input_tokens, usage.output_tokens)).unzip();
        tracing::info!(
            target: "telemetry", record = "inference.result", success = true,
            caller, component, action, task, provider, model = asks.shown(&said.model), attempt,
            input_tokens, output_tokens, duration_ms, "a model answered"
        );
    }

    /// It was not.
    pub(super) fn failure(&self, why: &str) {
        let Self { asks, component, action, task, .. } = self;
        if !self.told {
            return;
        }
        let caller = &*asks.component;
        let duration_ms = milliseconds(self.began.elapsed());
        tracing::warn!(
            target: "telemetry", record = "inference.failure", success = false,
            caller, component, action, task, duration_ms, why = asks.shown(why), "no model answered"
        );
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
