//! A function in the form of the sync payload. Absent is absent: the server takes `null` for a value.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use url::Url;

use crate::duration;
use crate::event::FAILED;
use crate::expression::Expression;
use crate::function::{
    Batch, CancelOn, Checkpointing, Concurrency, Debounce, FunctionConfig, RateLimit, Scope,
    Singleton, SingletonMode, Throttle, Timeouts, Trigger,
};
use crate::id::AppId;

/// One function, ready to be serialized.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireFunction {
    pub(super) id: String,
    name: String,
    pub(super) triggers: Vec<WireTrigger>,
    steps: WireSteps,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    concurrency: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debounce: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_events: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cancel: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeouts: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    singleton: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Json>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub(super) enum WireTrigger {
    // A `null` member would make the server take the trigger for both kinds.
    Event {
        event: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        expression: Option<String>,
    },
    Cron {
        cron: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        jitter: Option<String>,
    },
}

#[derive(Debug, Clone, Serialize)]
struct WireSteps {
    step: WireStep,
}

#[derive(Debug, Clone, Serialize)]
struct WireStep {
    id: &'static str,
    name: &'static str,
    runtime: WireRuntime,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<WireRetries>,
}

#[derive(Debug, Clone, Serialize)]
struct WireRuntime {
    r#type: &'static str,
    url: String,
}

#[derive(Debug, Clone, Serialize)]
struct WireRetries {
    attempts: u8,
}

/// A small object that is written once: names and values in their order.
#[derive(Debug, Clone)]
struct Json(Vec<(&'static str, Member)>);

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Member {
    Number(u32),
    Text(String),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Json {
    fn of(members: impl IntoIterator<Item = Option<(&'static str, Member)>>) -> Self {
        Self(members.into_iter().flatten().collect())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "stands in a list beside members that may be absent")]
fn number(name: &'static str, value: u32) -> Option<(&'static str, Member)> {
    Some((name, Member::Number(value)))
}

#[expect(clippy::unnecessary_wraps, reason = "stands in a list beside members that may be absent")]
fn text(name: &'static str, value: impl Into<String>) -> Option<(&'static str, Member)> {
    Some((name, Member::Text(value.into())))
}

fn time(name: &'static str, value: Option<std::time::Duration>) -> Option<(&'static str, Member)> {
    text(name, duration::text(value?))
}

fn cel(name: &'static str, value: Option<&Expression>) -> Option<(&'static str, Member)> {
    text(name, value?.as_str())
}

impl WireFunction {
    pub(super) fn new(app: &AppId, url: &Url, function: &FunctionConfig) -> Self {
        let slug = app.slug(&function.id);
        let retries = function.retries.map(|retries| WireRetries { attempts: retries.get() });
        let runtime = WireRuntime::new(url, &slug);
        Self {
            name: function.name.clone(),
            triggers: function.triggers.iter().map(|one| WireTrigger::new(app, one)).collect(),
            steps: WireSteps { step: WireStep { id: "step", name: "step", runtime, retries } },
            concurrency: function.concurrency.iter().map(concurrency).collect(),
            throttle: function.throttle.as_ref().map(throttle),
            rate_limit: function.rate_limit.as_ref().map(rate_limit),
            idempotency: function.idempotency.as_ref().map(|key| key.as_str().to_owned()),
            debounce: function.debounce.as_ref().map(debounce),
            batch_events: function.batch.as_ref().map(batch),
            priority: function.priority.as_ref().map(|run| Json::of([cel("run", Some(run))])),
            cancel: function.cancel_on.iter().map(cancel).collect(),
            timeouts: timeouts(function.timeouts),
            singleton: function.singleton.as_ref().map(singleton),
            checkpoint: checkpoint(function.checkpoint),
            id: slug,
        }
    }
}

impl WireFunction {
    /// A function that nothing starts any more, and whose runs go on.
    pub(super) fn without_triggers(self) -> Self {
        Self { triggers: Vec::new(), ..self }
    }
}

impl WireRuntime {
    /// The scheme decides how the server reaches the function; `type` is for people.
    fn new(url: &Url, slug: &str) -> Self {
        let mut target = url.clone();
        target.query_pairs_mut().append_pair("fnId", slug).append_pair("stepId", "step");
        let r#type = if matches!(url.scheme(), "ws" | "wss") { "ws" } else { "http" };
        Self { r#type, url: target.into() }
    }
}

impl WireTrigger {
    fn new(app: &AppId, trigger: &Trigger) -> Self {
        match trigger {
            Trigger::Event { event, expression } => Self::Event {
                event: event.to_string(),
                expression: expression.as_ref().map(|text| text.as_str().to_owned()),
            },
            Trigger::Cron { schedule, jitter } => Self::Cron {
                cron: schedule.as_str().to_owned(),
                jitter: jitter.map(duration::text),
            },
            // An id holds nothing that ends a text.
            Trigger::FailureOf(function) => Self::Event {
                event: FAILED.to_owned(),
                expression: Some(format!("event.data.function_id == '{}'", app.slug(function))),
            },
        }
    }
}

fn concurrency(one: &Concurrency) -> Json {
    let scope = match one.scope {
        Scope::Function => None,
        Scope::Environment => text("scope", "env"),
        Scope::Account => text("scope", "account"),
    };
    Json::of([number("limit", one.limit), cel("key", one.key.as_ref()), scope])
}

fn throttle(one: &Throttle) -> Json {
    let burst = one.burst.and_then(|burst| number("burst", burst));
    let period = time("period", Some(one.period));
    Json::of([number("limit", one.limit), period, burst, cel("key", one.key.as_ref())])
}

fn rate_limit(one: &RateLimit) -> Json {
    let period = time("period", Some(one.period));
    Json::of([number("limit", one.limit), period, cel("key", one.key.as_ref())])
}

fn debounce(one: &Debounce) -> Json {
    let period = time("period", Some(one.period));
    Json::of([period, time("timeout", one.timeout), cel("key", one.key.as_ref())])
}

fn batch(one: &Batch) -> Json {
    let timeout = time("timeout", Some(one.timeout));
    let (key, condition) = (cel("key", one.key.as_ref()), cel("if", one.condition.as_ref()));
    Json::of([number("maxSize", one.max_size), timeout, key, condition])
}

fn cancel(one: &CancelOn) -> Json {
    let condition = cel("if", one.condition.as_ref());
    Json::of([text("event", one.event.as_str()), condition, time("timeout", one.timeout)])
}

fn timeouts(Timeouts { start, finish }: Timeouts) -> Option<Json> {
    let both = Json::of([time("start", start), time("finish", finish)]);
    (!both.0.is_empty()).then_some(both)
}

fn singleton(one: &Singleton) -> Json {
    let mode = match one.mode {
        SingletonMode::Skip => "skip",
        SingletonMode::Cancel => "cancel",
    };
    Json::of([text("mode", mode), cel("key", one.key.as_ref())])
}

/// The server shows it and does nothing with it, so the presets without numbers are left out.
fn checkpoint(checkpointing: Checkpointing) -> Option<Json> {
    let Checkpointing::Batched { steps, interval, max_runtime } = checkpointing else {
        return None;
    };
    let steps = number("batch_steps", steps.get());
    Some(Json::of([steps, time("batch_interval", interval), time("max_runtime", max_runtime)]))
}
