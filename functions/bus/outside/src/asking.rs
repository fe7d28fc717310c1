//! Asking a language model.

use std::time::Duration;

use serde_json::Value;
use system_bus_sdk::Io;

use crate::Answer;

/// A question, and the form of its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is asked.
    pub prompt: String,
    /// What the model is told before.
    pub system: String,
    /// What it is for: operators choose models by it.
    pub task: String,
    /// The form of the answer, as a JSON schema; null where any text will do, which the answer then is.
    pub schema: Value,
    /// The longest that it may take.
    pub within: Duration,
}

impl Ask {
    /// Asks, and waits for the answer.
    #[cfg(target_family = "wasm")]
    pub fn by(self, io: &Io) -> Answer<Value> {
        let question = io.inference().ask(self.prompt).system(self.system).task(&self.task);
        let question = question.action(self.task).within(self.within);
        if self.schema.is_null() {
            return Ok(Value::String(question.send()?.text));
        }
        question.schema(&self.schema).send()?.data()
    }

    /// Asks, and waits for the answer.
    #[cfg(not(target_family = "wasm"))]
    pub fn by(self, _io: &Io) -> Answer<Value> {
        crate::testing::asked(&self)
    }
}
