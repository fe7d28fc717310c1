//! Functions as an app registers them.

mod declared;
mod flow;
mod options;

use std::time::Duration;

use jiff::Timestamp;
use protocol::cron::CronExpression;
use protocol::event::EventName;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::condition::Condition;
use crate::entropy::uuid;

pub(crate) use options::{BatchRule, Rules};

/// Retries when a function says nothing, and the most it may ask for.
const DEFAULT_RETRIES: u64 = 4;
const MOST_RETRIES: u64 = 20;
const MOST_TRIGGERS: usize = 10;

/// A registered function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) slug: String,
    pub(crate) name: String,
    /// The id that calls and the API show. It depends on app and slug alone, so it survives everything.
    pub(crate) uuid: String,
    pub(crate) url: Url,
    pub(crate) max_attempts: u32,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) rules: Rules,
}

/// What is wrong with a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A member has another shape than it must have.
    Undecodable(String),
    /// A member breaks a rule.
    Invalid(String),
}

/// What starts a function.
#[derive(Debug)]
pub(crate) enum Trigger {
    Event {
        pattern: EventName,
        condition: Option<Condition>,
    },
    /// By the clock. Each firing is put off by some of `jitter`, so that not all that is due then begins at once.
    Cron {
        expression: Box<CronExpression>,
        jitter: Duration,
    },
}

impl Function {
    /// Reads one member of a sync's `functions`; the error says what is wrong with it.
    pub(crate) fn parse(app: &str, json: &Value) -> Result<Self, Fault> {
        let function = Self::read(app, json).map_err(Fault::Invalid)?;
        let rules = Rules::parse(json).map_err(|fault| match fault {
            Fault::Invalid(fault) => Fault::Invalid(format!("function {}: {fault}", function.slug)),
            undecodable @ Fault::Undecodable(_) => undecodable,
        })?;
        Ok(Self { rules, ..function })
    }

    fn read(app: &str, json: &Value) -> Result<Self, String> {
        let text = |key: &str| json[key].as_str().unwrap_or_default().trim().to_owned();
        let name = text("name");
        if name.is_empty() {
            return Err("A function name is required".to_owned());
        }
        let slug = Some(text("id")).filter(|id| !id.is_empty()).unwrap_or_else(|| slugified(&name));
        let fault = |problem: String| format!("function {slug}: {problem}");
        let step = step(json).map_err(fault)?;
        let url = step["runtime"]["url"].as_str().unwrap_or_default();
        let url = Url::parse(url)
            .map_err(|error| fault(format!("its step's runtime.url {url:?} is no URL: {error}")))?;
        if url.scheme() != "http" && !is_connect(&url) {
            return Err(fault(format!(
                "its URL is {}://…, but the development engine calls plain http, or ws for Connect",
                url.scheme()
            )));
        }
        let retries = step["retries"]["attempts"]
            .as_u64()
            .or_else(|| json["retries"].as_u64())
            .unwrap_or(DEFAULT_RETRIES)
            .min(MOST_RETRIES);
        Ok(Self {
            uuid: identity(&["function", app, &slug]),
            max_attempts: u32::try_from(retries).unwrap_or(0) + 1,
            triggers: triggers(&json["triggers"]).map_err(fault)?,
            rules: Rules::default(),
            url,
            slug,
            name,
        })
    }

    /// Whether an event starts it, and what could not be evaluated while deciding.
    pub(crate) fn is_started_by(&self, name: &str, event: &Value) -> (bool, Vec<String>) {
        let mut faults = Vec::new();
        let started = self.triggers.iter().any(|trigger| match trigger {
            Trigger::Event { pattern, condition } if pattern.matches(name) => {
                condition.as_ref().is_none_or(|condition| {
                    condition.holds(event).unwrap_or_else(|fault| {
                        faults.push(fault);
                        false
                    })
                })
            }
            _ => false,
        });
        (started, faults)
    }

    /// Its schedules with their jitters, and when each fires next.
    pub(crate) fn schedules(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&str, Duration, Timestamp)> {
        self.triggers.iter().filter_map(move |trigger| match trigger {
            Trigger::Cron { expression, jitter } => {
                Some((expression.as_str(), *jitter, expression.next_after(now)?))
            }
            Trigger::Event { .. } => None,
        })
    }
}

/// Whether calls to this URL go over Connect. Its host then means nothing.
pub(crate) fn is_connect(url: &Url) -> bool {
    matches!(url.scheme(), "ws" | "wss")
}

/// A UUID that depends on a name alone.
pub(crate) fn identity(name: &[&str]) -> String {
    let hash = Sha256::digest(name.join("\0"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid(bytes, 8)
}

fn slugified(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

fn step(json: &Value) -> Result<&Value, String> {
    let steps = json["steps"].as_object().filter(|steps| steps.len() == 1);
    steps.and_then(|steps| steps.values().next()).ok_or_else(|| {
        "its `steps` must have exactly one member, `step`, with the URL to call".to_owned()
    })
}

fn triggers(json: &Value) -> Result<Vec<Trigger>, String> {
    let Some(items) = json.as_array() else { return Ok(Vec::new()) };
    if items.len() > MOST_TRIGGERS {
        return Err(format!("it has {} triggers, more than {MOST_TRIGGERS}", items.len()));
    }
    for (at, item) in items.iter().enumerate() {
        let same = |other: &Value| {
            other == item || (item["cron"].is_string() && other["cron"] == item["cron"])
        };
        if items[..at].iter().any(same) {
            return Err(format!("its trigger {item} is there twice"));
        }
    }
    items.iter().map(trigger).collect()
}

fn trigger(json: &Value) -> Result<Trigger, String> {
    // A member that is `null` counts as present: a real server decodes it into the other kind of trigger.
    match (json.get("event"), json.get("cron")) {
        (Some(Value::String(event)), None) => {
            let pattern = EventName::pattern(event).map_err(|error| error.to_string())?;
            let condition = match json.get("expression") {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) if text.is_empty() => None,
                Some(Value::String(text)) => Some(Condition::compile(text)?),
                Some(other) => return Err(format!("its trigger's expression {other} is no text")),
            };
            Ok(Trigger::Event { pattern, condition })
        }
        (None, Some(Value::String(cron))) if json.get("expression").is_none() => {
            let expression = CronExpression::parse(cron).map_err(|error| error.to_string())?;
            let jitter = options::jitter(json.get("jitter"))?;
            Ok(Trigger::Cron { expression: Box::new(expression), jitter })
        }
        _ => Err(format!(
            "its trigger {json} is not either an event or a cron; leave out the other's members"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn function(changes: &Value) -> Result<Function, String> {
        let mut json = json!({
            "id": "app-f", "name": "F", "triggers": [{"event": "a/*"}, {"cron": "0 9 * * *"}],
            "steps": {"step": {"id": "step", "runtime": {"type": "http", "url": "http://w/?fnId=app-f"}}},
        });
        for (key, value) in changes.as_object().expect("an object") {
            json[key] = value.clone();
        }
        Function::parse("app", &json).map_err(|fault| match fault {
            Fault::Invalid(fault) | Fault::Undecodable(fault) => fault,
        })
    }

    #[test]
    fn functions_are_read_with_their_defaults() {
        let plain = function(&json!({})).expect("a function");
        assert_eq!((plain.max_attempts, plain.triggers.len()), (5, 2));
        assert!(plain.is_started_by("a/b", &json!({})).0);
        assert!(!plain.is_started_by("b/b", &json!({})).0);
        assert_eq!(plain.uuid, function(&json!({"name": "G"})).expect("a function").uuid);
        let steps = |attempts: u32| {
            json!({"steps": {"step": {"retries": {"attempts": attempts},
            "runtime": {"url": "http://localhost:1/"}}}})
        };
        assert_eq!(function(&steps(0)).expect("a function").max_attempts, 1);
        assert_eq!(function(&steps(99)).expect("a function").max_attempts, 21);
        assert_eq!(function(&json!({"retries": 2})).expect("a function").max_attempts, 3);
        for connect in ["ws://connect?fnId=app-f&stepId=step", "wss://connect/?fnId=app-f"] {
            let json = json!({"steps": {"step": {"runtime": {"type": "ws", "url": connect}}}});
            assert!(is_connect(&function(&json).expect("a function").url));
        }
        assert_eq!(
            function(&json!({"id": "", "name": "My Fn!"})).expect("a function").slug,
            "my-fn"
        );
    }

    #[test]
    fn faults_are_told() {
        for (changes, says) in [
            (json!({"name": ""}), "A function name is required"),
            (json!({"steps": {}}), "exactly one member"),
            (json!({"steps": {"step": {}}}), "is no URL"),
            (json!({"steps": {"step": {"runtime": {"url": "https://x"}}}}), "calls plain http"),
            (json!({"triggers": [{"event": "a/b"}, {"event": "a/b"}]}), "there twice"),
            (json!({"triggers": [{"event": "a/b", "cron": null}]}), "either an event or a cron"),
            (json!({"triggers": [{"cron": "0 0 9 * * *"}]}), "6 fields"),
            (json!({"triggers": [{"cron": "0 9 * * *", "jitter": "6m"}]}), "trigger's jitter"),
            (json!({"triggers": [{"cron": "0 9 * * *", "jitter": 30}]}), "trigger's jitter 30"),
            (json!({"triggers": [{"event": "a/b", "expression": "evnt.x"}]}), "knows no evnt"),
            (json!({"triggers": [{"event": "a/b", "expression": "1 +"}]}), "does not compile"),
            (json!({"triggers": vec![json!({"event": "a"}); 11]}), "11 triggers"),
            (json!({"timeouts": {"start": "x"}}), "function app-f: its timeouts.start"),
        ] {
            let error = function(&changes).expect_err(says);
            assert!(error.contains(says), "{error}");
        }
    }
}
