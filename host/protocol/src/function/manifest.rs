//! A component's answer to `describe` → its functions, the good ones apart from the refused ones.

use serde::Deserialize;
use serde_json::Value;

use super::members::Members;
use super::{
    Batch, CancelOn, Checkpointing, Concurrency, Debounce, DeclaredEvent, DeclaredStep,
    FunctionConfig, MAX_TRIGGERS, Mode, RateLimit, Retries, Singleton, Throttle, Timeouts, Trigger,
};
use crate::expression::Expression;
use crate::id::FunctionId;
use crate::role::Role;

/// Everything a component declares: its answer to `describe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What built the component, such as `rust/0.1.0`; informational.
    pub sdk: Option<String>,
    /// Its functions that can be served, at least one.
    pub functions: Vec<FunctionConfig>,
    /// Those that cannot.
    pub refused: Vec<RefusedFunction>,
}

/// A function that is left out, and every reason for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.join("; "))]
pub struct RefusedFunction {
    id: String,
    faults: Vec<String>,
}

/// Why a manifest has nothing that can be used: every fault found, not only the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.join("; "))]
pub struct ManifestError {
    faults: Vec<String>,
}

#[derive(Deserialize)]
struct RawManifest {
    sdk: Option<String>,
    functions: Vec<Value>,
}

impl RefusedFunction {
    /// The id as the component wrote it, shortened; it may be what is wrong.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The faults, each naming the function and the member.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl ManifestError {
    /// The faults, each naming the function and the member where there is one.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl Manifest {
    /// Parses and checks the JSON that a component's `describe` answered. A function with a fault does not keep the
    /// others from being served; an error is a manifest without any function that can be.
    ///
    /// ```
    /// let manifest = protocol::function::Manifest::parse(
    ///     r#"{"functions":[
    ///         {"id":"greet","triggers":[{"event":"demo/hello"}],"retries":3},
    ///         {"id":"shout","triggers":[{"event":"demo/hello"}],"retries":0}]}"#,
    /// )
    /// .unwrap();
    /// assert_eq!(manifest.functions[0].name, "greet");
    /// assert!(manifest.refused[0].to_string().contains("retries: 0"));
    /// ```
    pub fn parse(json: &str) -> Result<Self, ManifestError> {
        let raw: RawManifest = serde_json::from_str(json).map_err(|error| ManifestError {
            faults: vec![format!("the manifest is not what this host understands: {error}")],
        })?;
        let mut manifest = Self { sdk: raw.sdk, functions: Vec::new(), refused: Vec::new() };
        let mut declared = 0_usize;
        for (position, function) in raw.functions.into_iter().enumerate() {
            declared += 1;
            match read(position, function) {
                Ok(config) => manifest.functions.push(config),
                Err(refused) => manifest.refused.push(refused),
            }
        }
        manifest.refuse_repeated_ids();
        if !manifest.functions.is_empty() {
            return Ok(manifest);
        }
        let faults = if declared == 0 {
            vec!["the manifest declares no function".to_owned()]
        } else {
            manifest.refused.into_iter().flat_map(|refused| refused.faults).collect()
        };
        Err(ManifestError { faults })
    }

    /// Which of two functions with one id is meant cannot be known, so neither is served.
    fn refuse_repeated_ids(&mut self) {
        let ids: Vec<FunctionId> =
            self.functions.iter().map(|function| function.id.clone()).collect();
        let twice = |id: &FunctionId| ids.iter().filter(|other| *other == id).count() > 1;
        let (repeated, fine) =
            std::mem::take(&mut self.functions).into_iter().partition(|one| twice(&one.id));
        self.functions = fine;
        let mut repeated: Vec<FunctionConfig> = repeated;
        repeated.dedup_by(|a, b| a.id == b.id);
        self.refused.extend(repeated.into_iter().map(|function| RefusedFunction {
            faults: vec![format!(
                "function \"{}\": id: it is declared more than once",
                function.id
            )],
            id: function.id.to_string(),
        }));
    }
}

fn read(position: usize, function: Value) -> Result<FunctionConfig, RefusedFunction> {
    let Value::Object(map) = function else {
        let id = format!("#{position}");
        let faults = vec![format!("function {id}: it is not an object")];
        return Err(RefusedFunction { id, faults });
    };
    let id = map.get("id").and_then(Value::as_str).map(|id| id.chars().take(80).collect());
    let id: String = id.unwrap_or_else(|| format!("#{position}"));
    let mut members = Members::new(map);
    let config = config(&mut members);
    let faults = members.finish();
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => {
            let faults = faults.into_iter().map(|fault| format!("function {id:?}: {fault}"));
            Err(RefusedFunction { faults: faults.collect(), id })
        }
    }
}

/// Reads all members, so that all faults are found. What it answers counts only when there was none.
fn config(members: &mut Members) -> Option<FunctionConfig> {
    let name = members.text("name");
    if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        members.fault("name", "it is empty; leave it out to use the id");
    }
    let id = members.text("id");
    let id = members
        .required("id", id, "\"fulfil-order\"")
        .and_then(|id| id.parse::<FunctionId>().map_err(|error| members.fault("id", error)).ok());
    let triggers = triggers(members, id.as_ref());
    let retries = members.any("retries").and_then(|given| {
        let retries = given.as_u64().and_then(Retries::new);
        if retries.is_none() {
            let why = "with 0 one lost connection would fail the run";
            members.fault("retries", format_args!("{given} is not 1 to 20; {why}"));
        }
        retries
    });
    exclusive(members);
    let concurrency = members.list("concurrency", &(1..=2), Concurrency::read);
    let throttle = members.object("throttle", Throttle::read);
    let rate_limit = members.object("rate_limit", RateLimit::read);
    let debounce = members.object("debounce", Debounce::read);
    if debounce.is_some() && triggers.iter().any(|it| matches!(it, Trigger::Cron { .. })) {
        let why = "the server repeats such runs; give the cron a function of its own that sends the event";
        members.fault("debounce", format_args!("it cannot stand beside a cron: {why}"));
    }
    let batch = members.object("batch", Batch::read);
    let priority = members.expression("priority", Expression::over_event);
    let cancel_on = members.list("cancel_on", &(1..=5), CancelOn::read);
    let timeouts = members.object("timeouts", Timeouts::read).unwrap_or_default();
    let idempotency = members.expression("idempotency", Expression::over_event);
    let singleton = members.object("singleton", Singleton::read);
    let checkpoint = Checkpointing::take(members);
    let mode = Mode::take(members);
    let role = role(members);
    let steps = DeclaredStep::take_all(members);
    let input = DeclaredEvent::take_all(members);
    let id = id?;
    Some(FunctionConfig {
        name: name.unwrap_or_else(|| id.to_string()),
        id,
        triggers,
        retries,
        concurrency,
        throttle,
        rate_limit,
        debounce,
        batch,
        priority,
        cancel_on,
        timeouts,
        idempotency,
        singleton,
        checkpoint: checkpoint?,
        mode: mode?,
        role,
        steps,
        input,
    })
}

/// A pin to a role. There is one direction: what fits a cluster may ask for a host.
fn role(members: &mut Members) -> Option<Role> {
    let text = members.text("role")?;
    if text == Role::Host.name() {
        return Some(Role::Host);
    }
    members.fault(
        "role",
        format_args!(
            "{text:?} cannot be asked for; write \"host\", or leave it out: what a component imports decides"
        ),
    );
    None
}

fn triggers(members: &mut Members, own: Option<&FunctionId>) -> Vec<Trigger> {
    if !members.has("triggers") {
        members.fault("triggers", "there is none; declare an event, a cron or a failure_of");
        return Vec::new();
    }
    let triggers = members.list("triggers", &(1..=MAX_TRIGGERS), Trigger::read);
    for (position, trigger) in triggers.iter().enumerate() {
        let at = format!("triggers[{position}]");
        if triggers[..position].iter().any(|earlier| earlier.repeats(trigger)) {
            members.fault(&at, "it repeats an earlier one");
        }
        if matches!(trigger, Trigger::FailureOf(of) if Some(of) == own) {
            members.fault(&at, "a function cannot handle its own failure; declare another one");
        }
    }
    triggers
}

/// What the server refuses side by side, or silently lets win over the other.
const EXCLUSIVE: [(&str, &str); 5] = [
    ("batch", "cancel_on"),
    ("batch", "debounce"),
    ("batch", "singleton"),
    ("batch", "priority"),
    ("idempotency", "rate_limit"),
];

fn exclusive(members: &mut Members) {
    for (one, other) in EXCLUSIVE {
        if members.has(one) && members.has(other) {
            members.fault(one, format_args!("it cannot stand beside {other}; remove one of them"));
        }
    }
}

#[cfg(test)]
mod tests;
