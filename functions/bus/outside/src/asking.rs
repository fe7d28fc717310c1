//! Asking a language model.

use std::time::Duration;

use serde_json::Value;
use system_bus_sdk::Io;

use crate::Answer;

/// A question whose answer has a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is asked.
    pub prompt: String,
    /// What the model is told before.
    pub system: String,
    /// What it is for: operators choose models by it.
    pub task: String,
    /// The form of the answer, as a JSON schema.
    pub schema: Value,
    /// The longest that it may take.
    pub within: Duration,
}

impl Ask {
    /// Asks, and waits for the answer.
    #[cfg(target_family = "wasm")]
    pub fn by(self, io: &Io) -> Answer<Value> {
        let question = io.inference().ask(self.prompt).system(self.system).task(&self.task);
        let question = question.action(self.task).schema(&self.schema).within(self.within);
        question.send()?.data()
    }

    /// Asks, and waits for the answer.
    #[cfg(not(target_family = "wasm"))]
    pub fn by(self, _io: &Io) -> Answer<Value> {
        crate::testing::asked(&self)
    }
}
