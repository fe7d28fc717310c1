//! Records of what was done.

use std::fmt::Display;

use serde::Serialize;
use serde_json::{Map, Value};
use system_bus_sdk::telemetry::{Level, Record};
use system_bus_sdk::{Ctx, Io};

/// Where records are made: in the body of a step, or outside of it.
pub trait Records {
    /// Begins one.
    fn begin(&self, action: &str) -> Record;
}

impl Records for Io {
    fn begin(&self, action: &str) -> Record {
        self.record(action)
    }
}

impl Records for Ctx {
    fn begin(&self, action: &str) -> Record {
        self.record(action)
    }
}

/// A record that is being made.
#[must_use = "a record is kept when `done` or `failed` is called"]
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Who did it.
    pub component: String,
    /// What.
    pub action: String,
    /// How much it matters.
    pub level: Level,
    /// What is said beside it.
    pub metadata: Map<String, Value>,
    /// Why it failed; none where it did not.
    pub error: Option<String>,
}

impl Note {
    /// A record of this action of this component.
    pub fn of(component: &str, action: &str) -> Self {
        Self {
            component: component.to_owned(),
            action: action.to_owned(),
            level: Level::Info,
            metadata: Map::new(),
            error: None,
        }
    }

    /// It is the course of things.
    pub fn debug(self) -> Self {
        Self { level: Level::Debug, ..self }
    }

    /// Something is odd.
    pub fn warn(self) -> Self {
        Self { level: Level::Warn, ..self }
    }

    /// One more member.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.metadata.insert(name.to_owned(), value);
        }
        self
    }

    /// It has succeeded.
    pub fn done(self, by: &impl Records) {
        keep(by, self);
    }

    /// It has failed, because of this.
    pub fn failed(self, by: &impl Records, error: impl Display) {
        let level = if matches!(self.level, Level::Debug | Level::Info) {
            Level::Error
        } else {
            self.level
        };
        keep(by, Self { level, error: Some(error.to_string()), ..self });
    }
}

#[cfg(target_family = "wasm")]
fn keep(by: &impl Records, note: Note) {
    let mut record = by.begin(&note.action).component(note.component).level(note.level);
    for (name, value) in note.metadata {
        record = record.with(&name, value);
    }
    match note.error {
        Some(error) => record.failed(error),
        None => record.done(),
    }
}

#[cfg(not(target_family = "wasm"))]
fn keep(by: &impl Records, note: Note) {
    let _ = by.begin(&note.action);
    crate::testing::noted(note);
}
