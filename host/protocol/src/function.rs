//! What a function declares about itself, parsed from a component's manifest and checked before anything is synced.

mod checkpointing;

use serde::Deserialize;

pub use checkpointing::Checkpointing;

use crate::cron::CronExpression;
use crate::event::{EventName, EventNameError};
use crate::id::FunctionId;

/// How many times the server tries again after the first attempt. Never 0: with no retry, one lost connection fails
/// the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retries(u8);

impl Retries {
    /// What the server assumes when a function says nothing.
    pub const DEFAULT: Self = Self(4);

    /// Accepts 1 to 20.
    pub fn new(retries: u64) -> Option<Self> {
        u8::try_from(retries).ok().filter(|n| (1..=20).contains(n)).map(Self)
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// What starts a run of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// An event of this name; a trailing `/*` or `.*` matches any name below.
    Event {
        /// The name or pattern.
        event: EventName,
        /// A CEL condition over `event`.
        expression: Option<String>,
    },
    /// A schedule.
    Cron(Box<CronExpression>),
}

/// A function as its component declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionConfig {
    /// Its id within the app.
    pub id: FunctionId,
    /// What people call it.
    pub name: String,
    /// What starts it; one to ten.
    pub triggers: Vec<Trigger>,
    /// Retries after the first attempt; absent means the server's default, four.
    pub retries: Option<Retries>,
    /// When results are stored while the function goes on.
    pub checkpoint: Checkpointing,
}

/// Everything a component declares: its answer to `describe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What built the component, such as `rust/0.1.0`; informational.
    pub sdk: Option<String>,
    /// Its functions, at least one.
    pub functions: Vec<FunctionConfig>,
}

/// Why a manifest is refused: every fault found, not only the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.join("; "))]
pub struct ManifestError {
    faults: Vec<String>,
}

impl ManifestError {
    /// The faults, each naming the function and the field.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

/// The most triggers a function may have.
pub const MAX_TRIGGERS: usize = 10;

#[derive(Deserialize)]
struct RawManifest {
    sdk: Option<String>,
    functions: Vec<RawFunction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFunction {
    id: String,
    name: Option<String>,
    #[serde(default)]
    triggers: Vec<RawTrigger>,
    retries: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrigger {
    event: Option<String>,
    expression: Option<String>,
    cron: Option<String>,
}

impl Manifest {
    /// Parses and checks the JSON that a component's `describe` answered.
    ///
    /// ```
    /// let manifest = protocol::function::Manifest::parse(
    ///     r#"{"functions":[{"id":"greet","triggers":[{"event":"demo/hello"}],"retries":3}]}"#,
    /// )
    /// .unwrap();
    /// assert_eq!(manifest.functions[0].name, "greet");
    /// ```
    pub fn parse(json: &str) -> Result<Self, ManifestError> {
        let raw: RawManifest = serde_json::from_str(json).map_err(|error| ManifestError {
            faults: vec![format!("the manifest is not what this host understands: {error}")],
        })?;
        let mut faults = Vec::new();
        let mut functions: Vec<FunctionConfig> = Vec::new();
        if raw.functions.is_empty() {
            faults.push("the manifest declares no function".to_owned());
        }
        for function in raw.functions {
            let before = faults.len();
            let id = function.id.clone();
            let config = function.check(&mut faults);
            for fault in &mut faults[before..] {
                *fault = format!("function {id:?}: {fault}");
            }
            if let Some(config) = config {
                if functions.iter().any(|other| other.id == config.id) {
                    faults.push(format!("function {id:?}: the id is declared twice"));
                } else {
                    functions.push(config);
                }
            }
        }
        if faults.is_empty() {
            Ok(Self { sdk: raw.sdk, functions })
        } else {
            Err(ManifestError { faults })
        }
    }
}

impl RawFunction {
    fn check(self, faults: &mut Vec<String>) -> Option<FunctionConfig> {
        let before = faults.len();
        let id =
            self.id.parse::<FunctionId>().map_err(|error| faults.push(format!("id: {error}"))).ok();
        let name = self.name.unwrap_or_else(|| self.id.clone());
        if name.trim().is_empty() {
            faults.push("name: it is empty; leave it out to use the id".to_owned());
        }
        let retries = self.retries.map(|retries| {
            Retries::new(retries).unwrap_or_else(|| {
                faults.push(format!(
                    "retries: {retries} is not 1 to 20; with 0 one lost connection would fail the run"
                ));
                Retries::DEFAULT
            })
        });
        if self.triggers.is_empty() {
            faults.push("triggers: there is none; declare an event or a cron".to_owned());
        }
        if self.triggers.len() > MAX_TRIGGERS {
            faults.push(format!("triggers: {} are more than {MAX_TRIGGERS}", self.triggers.len()));
        }
        let mut triggers: Vec<Trigger> = Vec::new();
        for (position, raw) in self.triggers.into_iter().enumerate() {
            match raw.check() {
                Ok(trigger) if triggers.contains(&trigger) => {
                    faults.push(format!("triggers[{position}]: it repeats an earlier one"));
                }
                Ok(trigger) => triggers.push(trigger),
                Err(problem) => faults.push(format!("triggers[{position}]: {problem}")),
            }
        }
        (faults.len() == before).then_some(())?;
        let checkpoint = Checkpointing::default();
        Some(FunctionConfig { id: id?, name, triggers, retries, checkpoint })
    }
}

impl RawTrigger {
    fn check(self) -> Result<Trigger, String> {
        match (self.event, self.cron) {
            (Some(event), None) => Ok(Trigger::Event {
                event: EventName::pattern(&event)
                    .map_err(|error: EventNameError| error.to_string())?,
                expression: self.expression,
            }),
            (None, Some(_)) if self.expression.is_some() => {
                Err("a cron trigger takes no expression".to_owned())
            }
            (None, Some(cron)) => CronExpression::parse(&cron)
                .map(|cron| Trigger::Cron(Box::new(cron)))
                .map_err(|error| error.to_string()),
            (Some(_), Some(_)) => {
                Err("it is both an event and a cron; write two triggers".to_owned())
            }
            (None, None) => Err("it is neither an event nor a cron".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_manifest_is_read() {
        let manifest = Manifest::parse(
            r#"{"sdk":"rust/0.1.0","functions":[
                {"id":"a","name":"A","retries":2,"triggers":[
                    {"event":"shop/order.paid","expression":"event.data.total > 10"},
                    {"cron":"TZ=Europe/Berlin 0 9 * * 1-5"}]},
                {"id":"b","triggers":[{"event":"shop/*"}]}]}"#,
        )
        .expect("valid");
        assert_eq!(manifest.functions.len(), 2);
        assert_eq!(manifest.functions[0].retries, Retries::new(2));
        assert_eq!(manifest.functions[0].triggers.len(), 2);
        assert_eq!(manifest.functions[1].name, "b");
        assert_eq!(manifest.functions[1].retries, None);
    }

    #[test]
    fn every_fault_is_named_with_its_function_and_field() {
        let error = Manifest::parse(
            r#"{"functions":[
                {"id":"a","retries":0,"triggers":[]},
                {"id":"b c","name":" ","retries":21,"triggers":[{"event":"x","cron":"* * * * *"},{},{"cron":"@daily"}]},
                {"id":"d","triggers":[{"event":"e/f"},{"event":"e/f"}]},
                {"id":"g","triggers":[{"event":"e/f"}]},
                {"id":"g","triggers":[{"event":"e/f"}]}]}"#,
        )
        .expect_err("full of faults");
        let text = error.to_string();
        for says in [
            r#"function "a": retries: 0 is not 1 to 20"#,
            r#"function "a": triggers: there is none"#,
            r#"function "b c": id: "#,
            r#"function "b c": name: it is empty"#,
            r#"function "b c": retries: 21"#,
            r#"function "b c": triggers[0]: it is both"#,
            r#"function "b c": triggers[1]: it is neither"#,
            r#"function "b c": triggers[2]: cron expression"#,
            r#"function "d": triggers[1]: it repeats"#,
            r#"function "g": the id is declared twice"#,
        ] {
            assert!(text.contains(says), "{says} is missing in: {text}");
        }
    }

    #[test]
    fn what_is_not_a_manifest_says_so() {
        for bad in [
            "",
            "[]",
            r#"{"functions":[]}"#,
            r#"{"functions":[{"id":"a","triggers":[],"surprise":1}]}"#,
        ] {
            assert!(Manifest::parse(bad).is_err(), "{bad}");
        }
    }
}
