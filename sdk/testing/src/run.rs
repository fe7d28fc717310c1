//! A run as it stands, and what a test may say of it.

use protocol::id::RunId;
use serde::de::DeserializeOwned;
use serde_json::Value;
use system_bus_sdk::Error;
use system_bus_sdk::testing::native;

pub use engine::offline::RunStatus;

/// A run as it stands.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The id of its function.
    pub function: String,
    /// Where it stands.
    pub status: RunStatus,
    /// The steps that have ended, in that order.
    pub steps: Vec<Step>,
    pub(crate) waiting: Vec<String>,
    pub(crate) attempts: Vec<(String, u32)>,
    pub(crate) output: Option<Value>,
}

/// A step that has ended.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its id, with its key; a repeated id counts up as on the server (`a`, `a:1`).
    pub name: String,
    /// Its kind, as in `docs/guests.md`: `run`, `sleep`, `wait-for-event` and so on.
    pub kind: &'static str,
    /// How often its body began, or what stands in for it; 0 for what has none.
    pub attempts: u32,
    /// What it ended with.
    pub result: Result<Value, Error>,
}

impl Step {
    /// What the step ended with.
    ///
    /// # Panics
    ///
    /// When it failed, or its result is of another type.
    #[track_caller]
    pub fn output<T: DeserializeOwned>(&self) -> T {
        match &self.result {
            Ok(value) => decoded(value, &format!("step `{}`", self.name)),
            Err(error) => panic!("step `{}` failed: {error:?}", self.name),
        }
    }
}

impl Run {
    /// The function's result.
    ///
    /// # Panics
    ///
    /// When the run has not completed, or its result is of another type.
    #[track_caller]
    pub fn output<T: DeserializeOwned>(&self) -> T {
        match (self.status, &self.output) {
            (RunStatus::Completed, Some(value)) => {
                decoded(value, &format!("function `{}`", self.function))
            }
            _ => panic!("{}", self.but("it completes")),
        }
    }

    /// The error with which the function failed.
    ///
    /// # Panics
    ///
    /// When the run has not failed.
    #[track_caller]
    pub fn error(&self) -> Error {
        match (self.status, &self.output) {
            (RunStatus::Failed, Some(value)) => {
                // The engine's own failures have one more envelope.
                let told = value.get("error").filter(|inner| inner.is_object()).unwrap_or(value);
                native::from_stored(&told.to_string())
            }
            _ => panic!("{}", self.but("it fails")),
        }
    }

    /// A step that has ended.
    ///
    /// # Panics
    ///
    /// When there is none of this name.
    #[track_caller]
    pub fn step(&self, name: &str) -> &Step {
        let found = self.steps.iter().find(|step| step.name == name);
        found.unwrap_or_else(|| panic!("{}", self.but(&format!("step `{name}` has ended"))))
    }

    /// How often the body of a step began, or what stands in for it, whether it has ended or not.
    pub fn attempts(&self, step: &str) -> u32 {
        let found = self.attempts.iter().find(|(name, _)| name == step);
        found.map(|(_, count)| *count).unwrap_or_default()
    }

    /// The steps that the run has asked for and that have not ended.
    pub fn waits_for(&self) -> &[String] {
        &self.waiting
    }

    /// The names of the steps that have ended, in that order.
    pub fn step_names(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step.name.as_str()).collect()
    }

    /// That these steps have ended, in this order, and no others.
    ///
    /// # Panics
    ///
    /// When it is otherwise.
    #[track_caller]
    pub fn assert_steps<'s>(&self, expected: impl IntoIterator<Item = &'s str>) {
        let expected: Vec<_> = expected.into_iter().collect();
        assert!(
            self.step_names() == expected,
            "{}",
            self.but(&format!("its steps are {expected:?}"))
        );
    }

    fn but(&self, expected: &str) -> String {
        let Self { id, function, status, .. } = self;
        let ended = self.step_names();
        let output = self.output.as_ref().map(|output| format!(", output {output}"));
        format!(
            "the test expects of run {id} of `{function}` that {expected}; it is {status:?}, steps {ended:?}, \
             waits for {:?}{}",
            self.waiting,
            output.unwrap_or_default()
        )
    }
}

#[track_caller]
fn decoded<T: DeserializeOwned>(value: &Value, what: &str) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| {
        let expected = std::any::type_name::<T>();
        panic!("what {what} ended with is no `{expected}`: {error}; it is {value}")
    })
}
