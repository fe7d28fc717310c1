//! What a function declares beside its triggers, checked by the real server's rules.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Fault;
use super::declared::{Batch, Cancel, Declared};
use crate::condition::Condition;
use crate::duration;
use crate::flow::FlowRules;

const MOST_CANCELS: usize = 5;
const MOST_BATCHED: usize = 100;
const WEEK: Duration = Duration::from_hours(7 * 24);
const LONGEST_JITTER: Duration = Duration::from_mins(5);
const SECOND: Duration = Duration::from_secs(1);

/// What a function declares.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) flow: FlowRules,
    pub(crate) cancel: Vec<CancelRule>,
    /// How long a run may wait for its first call.
    pub(crate) start_within: Option<Duration>,
    /// How long a run may take from its first call.
    pub(crate) finish_within: Option<Duration>,
    pub(crate) batch: Option<BatchRule>,
}

/// Which event cancels a run.
#[derive(Debug)]
pub(crate) struct CancelRule {
    pub(crate) event: String,
    /// Over `event`, which started the run, and `async`, which has come.
    pub(crate) condition: Option<Condition>,
    /// For how long after the run was queued: a duration or a date.
    pub(crate) timeout: Option<String>,
}

impl CancelRule {
    /// Whether it still holds for a run that was queued then.
    pub(crate) fn holds_for(&self, queued: Timestamp, now: Timestamp) -> bool {
        let until = self.timeout.as_deref().and_then(|text| duration::wake(text, queued));
        until.is_none_or(|until| now <= until)
    }
}

/// How events are gathered.
#[derive(Debug)]
pub(crate) struct BatchRule {
    pub(crate) most: usize,
    /// How long the first event waits for others.
    pub(crate) wait: Duration,
    /// Events with different values come into different batches.
    pub(crate) key: Option<Condition>,
    /// Events for which it does not hold run alone, at once.
    pub(crate) condition: Option<Condition>,
}

impl Rules {
    /// Reads the options of a function.
    pub(super) fn parse(json: &Value) -> Result<Self, Fault> {
        let declared =
            Declared::deserialize(json).map_err(|error| Fault::Undecodable(error.to_string()))?;
        declared.check().map_err(Fault::Invalid)
    }
}

impl Declared {
    fn check(self) -> Result<Rules, String> {
        let flow = self.flow()?;
        if self.batch_events.is_some() {
            let cancels = self.cancel.as_ref().is_some_and(|cancels| !cancels.is_empty());
            for (other, present) in [
                ("cancel", cancels),
                ("debounce", self.debounce.is_some()),
                ("singleton", self.singleton.is_some()),
                ("priority", flow.priority.is_some()),
            ] {
                if present {
                    return Err(format!("batchEvents cannot be used beside {other}"));
                }
            }
        }
        let timeouts = self.timeouts.as_ref();
        Ok(Rules {
            flow,
            cancel: cancels(self.cancel.unwrap_or_default())?,
            start_within: lasting("timeouts.start", timeouts.and_then(|all| all.start.as_deref()))?,
            finish_within: lasting(
                "timeouts.finish",
                timeouts.and_then(|all| all.finish.as_deref()),
            )?,
            batch: self.batch_events.map(batch).transpose()?,
        })
    }
}

fn cancels(declared: Vec<Cancel>) -> Result<Vec<CancelRule>, String> {
    if declared.len() > MOST_CANCELS {
        return Err(format!("it has {} cancellations, more than {MOST_CANCELS}", declared.len()));
    }
    let rule = |cancel: Cancel| {
        if cancel.event.is_empty() {
            return Err("its cancel.event is empty".to_owned());
        }
        let timeout = present(cancel.timeout.as_deref());
        if timeout.is_some_and(|text| duration::wake(text, Timestamp::UNIX_EPOCH).is_none()) {
            let text = cancel.timeout.unwrap_or_default();
            return Err(format!("its cancel.timeout {text:?} is neither a duration nor a date"));
        }
        let condition = present(cancel.condition.as_deref()).map(Condition::restricted);
        let condition = condition.transpose().map_err(|fault| format!("its cancel.if: {fault}"))?;
        Ok(CancelRule { event: cancel.event, condition, timeout: timeout.map(str::to_owned) })
    };
    declared.into_iter().map(rule).collect()
}

fn batch(declared: Batch) -> Result<BatchRule, String> {
    let Batch { max_size: most, timeout, key, condition } = declared;
    if !(2..=MOST_BATCHED).contains(&most) {
        return Err(format!("its batchEvents.maxSize {most} is not 2 to {MOST_BATCHED}"));
    }
    // The real server reads this one with a parser that knows neither days nor weeks.
    if timeout.contains(['d', 'w']) {
        return Err(format!("its batchEvents.timeout {timeout:?} is no duration of h, m, s or ms"));
    }
    Ok(BatchRule {
        most,
        wait: within("batchEvents.timeout", &timeout, SECOND, WEEK)?,
        key: compiled("its batchEvents.key", key.as_deref())?,
        condition: compiled("its batchEvents.if", condition.as_deref())?,
    })
}

/// An empty text counts as absent.
fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

pub(super) fn compiled(what: &str, text: Option<&str>) -> Result<Option<Condition>, String> {
    let compiled = present(text).map(Condition::compile).transpose();
    compiled.map_err(|fault| format!("{what}: {fault}"))
}

pub(super) fn lasting(what: &str, text: Option<&str>) -> Result<Option<Duration>, String> {
    let parse = |text| {
        duration::parse(text)
            .ok_or_else(|| format!("its {what} {text:?} is no duration, as in 1h30m"))
    };
    present(text).map(parse).transpose()
}

/// By how much a schedule's firing may be put off; nothing when it does not say.
pub(super) fn jitter(json: Option<&Value>) -> Result<Duration, String> {
    match json {
        None | Some(Value::Null) => Ok(Duration::ZERO),
        Some(Value::String(text)) if text.is_empty() => Ok(Duration::ZERO),
        Some(Value::String(text)) if duration::parse(text) == Some(Duration::ZERO) => {
            Ok(Duration::ZERO)
        }
        Some(Value::String(text)) => within("trigger's jitter", text, SECOND, LONGEST_JITTER),
        Some(other) => Err(format!("its trigger's jitter {other} is no text")),
    }
}

pub(super) fn within(
    what: &str,
    text: &str,
    least: Duration,
    most: Duration,
) -> Result<Duration, String> {
    let duration = lasting(what, Some(text))?.filter(|d| (least..=most).contains(d));
    duration.ok_or_else(|| format!("its {what} {text:?} is not {least:?} to {most:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_engine_acts_on_is_kept() {
        let rules = Rules::parse(&json!({
            "cancel": [{"event": "a/stop", "if": "event.data.id == async.data.id", "timeout": "1h"}],
            "timeouts": {"start": "30s", "finish": "1d"},
            "idempotency": "event.data.id",
        }))
        .expect("rules");
        assert_eq!(rules.start_within, Some(Duration::from_secs(30)));
        assert_eq!(rules.finish_within, Some(Duration::from_hours(24)));
        assert!(rules.flow.limit.is_some() && rules.batch.is_none());
        let queued: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        let after = |minutes| queued + jiff::SignedDuration::from_mins(minutes);
        assert!(rules.cancel[0].holds_for(queued, after(60)));
        assert!(!rules.cancel[0].holds_for(queued, after(61)));
        let rules =
            Rules::parse(&json!({"batchEvents": {"maxSize": 3, "timeout": "2s", "key": ""}}));
        let batch = rules.expect("rules").batch.expect("a batch");
        assert_eq!(
            (batch.most, batch.wait, batch.key.is_none()),
            (3, Duration::from_secs(2), true)
        );
        for fine in [
            json!({"concurrency": 3}),
            json!({"concurrency": {"limit": 0}}),
            json!({"concurrency": [{"limit": 2, "key": "event.data.k", "scope": "account"}, {"limit": 9}]}),
            json!({"concurrency": {"fn": [{"limit": 1}], "step": [{"limit": 2}]}}),
            json!({"throttle": {"limit": 20, "period": "1m", "burst": 5, "key": "event.data.t"}}),
            json!({"rateLimit": {"limit": 100, "period": "24h"}, "priority": {"run": "event.data.p"}}),
            json!({"debounce": {"period": "7d", "timeout": "2w", "key": ""}}),
            json!({"singleton": {"mode": "cancel", "key": "event.data.k"}, "checkpoint": {"batch_steps": 1}}),
            json!({"singleton": {}, "cancel": null, "idempotency": null}),
        ] {
            assert!(Rules::parse(&fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_invalid() {
        let cancel = |count| vec![json!({"event": "a/b"}); count];
        for (json, says) in [
            (json!({"concurrency": vec![json!({"limit": 1}); 3]}), "more than 2 limits"),
            (json!({"concurrency": {"limit": 1, "scope": "env"}}), "needs a key"),
            (json!({"concurrency": {"fn": [{"limit": 0}]}}), "a limit of 0"),
            (json!({"concurrency": {"limit": 1, "key": "1 +"}}), "does not compile"),
            (json!({"throttle": {"limit": 1, "period": "1s", "key": "("}}), "throttle.key"),
            (json!({"rateLimit": {"limit": 0, "period": "1m"}}), "rateLimit.limit is 0"),
            (json!({"rateLimit": {"limit": 1, "period": "25h"}}), "rateLimit.period"),
            (json!({"debounce": {"period": "500ms"}}), "debounce.period"),
            (json!({"debounce": {"period": "soon"}}), "is no duration"),
            (json!({"batchEvents": {"maxSize": 1, "timeout": "1s"}}), "maxSize 1"),
            (json!({"batchEvents": {"maxSize": 101, "timeout": "1s"}}), "maxSize 101"),
            (json!({"batchEvents": {"maxSize": 2, "timeout": "1d"}}), "no duration of h"),
            (
                json!({"batchEvents": {"maxSize": 2, "timeout": "1s"}, "cancel": cancel(1)}),
                "beside cancel",
            ),
            (
                json!({"batchEvents": {"maxSize": 2, "timeout": "1s"}, "singleton": {}}),
                "beside singleton",
            ),
            (json!({"priority": {"run": "1 +"}}), "priority.run"),
            (json!({"cancel": cancel(6)}), "6 cancellations"),
            (json!({"cancel": [{"event": "a", "if": "has(event.data)"}]}), "has()"),
            (json!({"cancel": [{"event": "a", "timeout": "soon"}]}), "cancel.timeout"),
            (json!({"cancel": [{"event": ""}]}), "cancel.event is empty"),
            (json!({"timeouts": {"finish": "soon"}}), "timeouts.finish"),
            (json!({"idempotency": "1 +"}), "its idempotency"),
        ] {
            let Err(Fault::Invalid(fault)) = Rules::parse(&json) else { panic!("{json}") };
            assert!(fault.contains(says), "{fault}");
        }
    }

    #[test]
    fn what_has_another_shape_cannot_be_decoded() {
        for json in [
            json!({"throttle": {"limit": 1, "period": "soon"}}),
            json!({"throttle": {"limit": 1}}),
            json!({"concurrency": {"limit": 1, "scope": null}}),
            json!({"concurrency": {"limit": 1, "scope": "planet"}}),
            json!({"singleton": {"mode": null}}),
            json!({"cancel": {"event": "a"}}),
            json!({"idempotency": 7}),
            json!({"batchEvents": {"maxSize": "2", "timeout": "1s"}}),
        ] {
            assert!(matches!(Rules::parse(&json), Err(Fault::Undecodable(_))), "{json}");
        }
    }
}
