//! What an event makes of a function's rules. Worked out once, when a run starts: its event does not change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::permits::Need;
use super::rules::{Concurrency, FlowRules, Keyed, Scope};
use crate::condition::Condition;

/// The most seconds that a priority moves a run.
const PRIORITY: i64 = 12 * 60 * 60;

/// The names under which a run is counted, and its priority.
///
/// Limits are not among them: a run that waits goes by the limits of the function as it is registered when it can go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Keys {
    /// Seconds; more is sooner.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) priority: i64,
    /// Of each concurrency of calls with a key: the key's expression → the name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    calls: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) runs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) singleton: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Whether a call is the one with which its run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    First,
    Later,
}

impl Keys {
    /// What `event` makes of the rules of a function, which is known by `id`.
    pub(crate) fn of(rules: &FlowRules, id: &str, event: &Value) -> Self {
        let mut calls = BTreeMap::new();
        for limit in &rules.calls {
            if let Some(key) = &limit.key {
                calls.insert(key.text().to_owned(), limit.name(id, event));
            }
        }
        Self {
            priority: rules.priority.as_ref().map_or(0, |priority| seconds(priority, event)),
            calls,
            runs: rules.runs.as_ref().map(|limit| limit.name(id, event)),
            throttle: rules.throttle.as_ref().map(|rule| rule.name(id, event)),
            singleton: rules.singleton.as_ref().and_then(|rule| rule.name_unless_false(id, event)),
        }
    }

    /// What a call of the run needs, by the rules as they are now.
    pub(crate) fn needs(&self, rules: &FlowRules, id: &str, start: Start) -> Vec<Need> {
        let calls = rules.calls.iter().filter_map(|limit| {
            let name = match &limit.key {
                Some(key) => self.calls.get(key.text())?.clone(),
                None => id.to_owned(),
            };
            Some(Need::Call { name, most: limit.most })
        });
        let mut needs: Vec<Need> = calls.collect();
        if start == Start::Later {
            return needs;
        }
        if let (Some(limit), Some(name)) = (&rules.runs, &self.runs) {
            needs.push(Need::Run { name: name.clone(), most: limit.most });
        }
        if let (Some(throttle), Some(name)) = (&rules.throttle, &self.throttle) {
            needs.push(Need::Start { name: name.clone(), rate: throttle.rule });
        }
        needs
    }
}

impl Concurrency {
    fn name(&self, id: &str, event: &Value) -> String {
        let Some(key) = &self.key else { return id.to_owned() };
        let value = evaluated(key, event);
        match self.scope {
            Scope::Function => format!("{id}/{value}"),
            Scope::Environment => format!("environment/{value}"),
            Scope::Account => format!("account/{value}"),
        }
    }
}

impl<T> Keyed<T> {
    /// The name for an event.
    pub(crate) fn name(&self, id: &str, event: &Value) -> String {
        match &self.key {
            Some(key) => format!("{id}/{}", evaluated(key, event)),
            None => id.to_owned(),
        }
    }

    /// The same, or nothing where the key is `false` or cannot be evaluated: the rule does not hold for the event.
    pub(crate) fn name_unless_false(&self, id: &str, event: &Value) -> Option<String> {
        let Some(key) = &self.key else { return Some(id.to_owned()) };
        match key.key(event) {
            Ok(value) if value == "false" => None,
            Ok(value) => Some(format!("{id}/{value}")),
            Err(fault) => {
                tracing::warn!("{fault}; the run starts as if there were no such rule");
                None
            }
        }
    }
}

/// The value of a key. All events for which it cannot be evaluated share one.
fn evaluated(key: &Condition, event: &Value) -> String {
    key.key(event).unwrap_or_else(|fault| {
        tracing::warn!("{fault}; the event is counted with all others of which that is true");
        "<invalid>".to_owned()
    })
}

fn seconds(priority: &Condition, event: &Value) -> i64 {
    let seconds = priority.integer(event).unwrap_or_else(|fault| {
        tracing::warn!("{fault}; the run has no priority");
        0
    });
    seconds.clamp(-PRIORITY, PRIORITY)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::flow::{Debounce, Rate, Singleton, SingletonMode};

    fn compiled(text: &str) -> Condition {
        Condition::compile(text).expect("an expression")
    }

    #[test]
    fn an_event_is_counted_under_the_names_that_its_keys_give() {
        let rate = Rate::throttle(1, 0, Duration::from_secs(1));
        let concurrency = |key, scope| Concurrency { most: 3, key, scope };
        let rules = FlowRules {
            calls: vec![
                concurrency(None, Scope::Function),
                concurrency(Some(compiled("event.data.who")), Scope::Account),
            ],
            runs: Some(concurrency(Some(compiled("event.data.who")), Scope::Function)),
            throttle: Some(Keyed { rule: rate, key: Some(compiled("event.data.gone")) }),
            limit: None,
            debounce: Some(Keyed {
                rule: Debounce { period: Duration::from_secs(1), timeout: None },
                key: None,
            }),
            priority: Some(compiled("event.data.vip ? 99999 : -5")),
            singleton: Some(Keyed {
                rule: Singleton { mode: SingletonMode::Skip },
                key: Some(compiled("event.data.alone")),
            }),
        };
        let event = json!({"data": {"who": "x", "vip": true, "alone": false}});
        let keys = Keys::of(&rules, "a/f", &event);
        assert_eq!((keys.priority, keys.singleton.as_deref()), (PRIORITY, None));
        let call = |name: &str| Need::Call { name: name.to_owned(), most: 3 };
        let run = Need::Run { name: "a/f/x".to_owned(), most: 3 };
        let start = Need::Start { name: "a/f/<invalid>".to_owned(), rate };
        let calls = [call("a/f"), call("account/x")];
        assert_eq!(keys.needs(&rules, "a/f", Start::Later), calls);
        let all: Vec<Need> = calls.into_iter().chain([run, start]).collect();
        assert_eq!(keys.needs(&rules, "a/f", Start::First), all);
        assert_eq!(keys.needs(&FlowRules::default(), "a/f", Start::First), []);

        let keys = Keys::of(&rules, "a/f", &json!({"data": {"vip": false, "alone": "y"}}));
        assert_eq!((keys.priority, keys.singleton.as_deref()), (-5, Some("a/f/y")));
        assert_eq!(Keys::of(&rules, "a/f", &json!({"data": {}})).priority, 0);
        let stored = serde_json::to_value(&keys).expect("JSON");
        assert_eq!(serde_json::from_value::<Keys>(stored).expect("keys"), keys);
        assert_eq!(serde_json::to_value(Keys::default()).expect("JSON"), json!({}));
    }
}
