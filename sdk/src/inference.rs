//! Asking a language model, in the body of a step. Which one answers is the operator's choice.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::refusal::{Reason, Refused};

#[cfg(target_family = "wasm")]
#[path = "inference/wasi.rs"]
mod host;
#[cfg(not(target_family = "wasm"))]
#[path = "inference/native.rs"]
mod host;

/// Asks models; see [`Io::inference`](crate::Io::inference).
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Verdict { urgent: bool, why: String }
///
/// async fn triage(io: &Io, text: &str) -> Result<Verdict> {
///     let reply = io
///         .inference()
///         .ask(format!("Is this urgent?\n\n{text}"))
///         .system("You sort letters.")
///         .task("triage")
///         .schema(&serde_json::json!({
///             "type": "object",
///             "properties": { "urgent": { "type": "boolean" }, "why": { "type": "string" } },
///             "required": ["urgent", "why"],
///         }))
///         .within(Duration::from_secs(30))
///         .send()?;
///     Ok(reply.data()?)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Models(());

/// A question that is being put together.
#[derive(Clone, Debug)]
#[must_use = "a question is asked by `send`"]
pub struct Question {
    prompt: String,
    system: Option<String>,
    task: Option<String>,
    model: Option<String>,
    component: String,
    action: String,
    schema: Option<String>,
    within: Option<Duration>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What the model said.
    pub text: String,
    /// The model, as its provider calls it.
    pub model: String,
    /// Who answered: `pi`, or an address.
    pub provider: String,
    /// What it cost, where the provider says so.
    pub usage: Option<Tokens>,
    /// How many providers had failed before this one.
    pub attempt: u32,
    json: Option<String>,
}

/// What a question cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens of the question.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
}

impl Models {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// A question.
    pub fn ask(&self, prompt: impl Into<String>) -> Question {
        Question {
            prompt: prompt.into(),
            system: None,
            task: None,
            model: None,
            component: String::new(),
            action: String::new(),
            schema: None,
            within: None,
        }
    }
}

impl Question {
    /// What the model is told before.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// What it is for, as in `summary`: operators choose providers by it.
    pub fn task(mut self, task: impl Into<String>) -> Self {
        self.task = Some(task.into());
        self
    }

    /// A model to prefer. The operator's grant has to name it.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Who asks, for the record of its use; the component's own name unless said otherwise.
    pub fn component(mut self, component: impl Into<String>) -> Self {
        self.component = component.into();
        self
    }

    /// What for, for the record of its use; the function's id unless said otherwise. What fails
    /// again and again is left alone for a while, each action by itself.
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = action.into();
        self
    }

    /// The form of the answer, as a JSON schema. An answer without this form is a failure.
    pub fn schema(mut self, schema: &serde_json::Value) -> Self {
        self.schema = Some(schema.to_string());
        self
    }

    /// The longest it may take, all providers together.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// Asks, and waits for the answer.
    ///
    /// Fails when the grant does not allow it, when no provider answers, and when it takes too long.
    pub fn send(self) -> Result<Reply, Refused> {
        host::ask(self)
    }
}

impl Reply {
    /// The answer in the form that was asked for.
    ///
    /// Fails where the question had no schema, and where the answer does not fit `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let json = self.json.as_deref().ok_or_else(|| {
            Refused::new(Reason::Invalid, "the answer has no data: the question had no `schema`")
        })?;
        serde_json::from_str(json).map_err(|problem| {
            let wanted = std::any::type_name::<T>();
            let message = format!("the model's answer does not fit `{wanted}`: {problem}");
            Refused::new(Reason::Failed, message)
        })
    }
}
