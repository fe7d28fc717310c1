//! Records that tests can see.

use std::fmt::Display;

use serde::Serialize;
use serde_json::{Map, Value};
use system_bus_sdk::telemetry::{Level, Record};
use system_bus_sdk::{Ctx, Io};

/// Whoever can record: a function, or the body of a step.
pub trait Recorder {
    /// A record of this action.
    fn begin(&self, action: &str) -> Record;
}

impl Recorder for Ctx {
    fn begin(&self, action: &str) -> Record {
        self.record(action)
    }
}

impl Recorder for Io {
    fn begin(&self, action: &str) -> Record {
        self.record(action)
    }
}

/// A record that is being made.
#[derive(Clone, Debug)]
#[must_use = "it is kept when `done` or `failed` is called"]
pub struct Note {
    component: &'static str,
    action: &'static str,
    level: Option<Level>,
    metadata: Map<String, Value>,
}

impl Note {
    /// A record of what a component did.
    pub fn of(component: &'static str, action: &'static str) -> Self {
        Self { component, action, level: None, metadata: Map::new() }
    }

    /// How much it matters; `info`, or `error` where it failed, unless said otherwise.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// One more member. What has no JSON form is left out.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.metadata.insert(name.to_owned(), value);
        }
        self
    }

    /// It has succeeded.
    pub fn done(self, recorder: &impl Recorder) {
        self.keep(true, None);
        self.record(recorder).done();
    }

    /// It has failed, because of this.
    pub fn failed(self, recorder: &impl Recorder, error: impl Display) {
        let error = error.to_string();
        self.keep(false, Some(&error));
        self.record(recorder).failed(error);
    }

    fn record(self, recorder: &impl Recorder) -> Record {
        let mut record = recorder.begin(self.action).component(self.component);
        if let Some(level) = self.level {
            record = record.level(level);
        }
        self.metadata.iter().fold(record, |record, (name, value)| record.with(name, value))
    }

    #[cfg(target_family = "wasm")]
    #[expect(clippy::unused_self, reason = "only tests keep it")]
    fn keep(&self, _success: bool, _error: Option<&str>) {}

    #[cfg(not(target_family = "wasm"))]
    fn keep(&self, success: bool, error: Option<&str>) {
        let level = self.level.unwrap_or(if success { Level::Info } else { Level::Error });
        self::native::keep(Kept {
            component: self.component,
            action: self.action,
            level,
            success,
            error: error.map(str::to_owned),
            metadata: Value::Object(self.metadata.clone()),
        });
    }
}

#[cfg(not(target_family = "wasm"))]
pub use self::native::{Kept, taken};

/// What a native build keeps.
#[cfg(not(target_family = "wasm"))]
mod native {
    use std::cell::RefCell;

    use serde_json::Value;
    use system_bus_sdk::telemetry::Level;

    /// A record as a test sees it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Kept {
        /// Who did it.
        pub component: &'static str,
        /// What.
        pub action: &'static str,
        /// How much it matters.
        pub level: Level,
        /// Whether it worked.
        pub success: bool,
        /// Why not.
        pub error: Option<String>,
        /// The rest.
        pub metadata: Value,
    }

    thread_local! {
        static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn keep(kept: Kept) {
        KEPT.with_borrow_mut(|all| all.push(kept));
    }

    /// The records of this thread since this was last called. A record that a function makes outside
    /// of steps is there once for each replay, where a host keeps it once: here each one counts once.
    pub fn taken() -> Vec<Kept> {
        let mut once: Vec<Kept> = Vec::new();
        for kept in KEPT.take() {
            if !once.contains(&kept) {
                once.push(kept);
            }
        }
        once
    }
}
