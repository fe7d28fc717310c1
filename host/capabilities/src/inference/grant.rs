//! What the operator says of models.

use serde::Deserialize;

use crate::grants::{Name, Time};

/// Who answers, in the order in which they are asked, and how many questions run at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Providers {
    /// The providers. Without any it is the local `pi`, if it is on the worker's `PATH`.
    pub providers: Vec<Provider>,
    /// How many questions run at once; 4 unless said otherwise.
    pub at_once: Option<usize>,
    /// How long a question may take, all attempts together; 120 s unless said otherwise.
    pub within: Option<Time>,
}

/// One that answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Provider {
    /// The command `pi` of this machine. It is given no keys.
    Pi {
        /// Where it is; `pi` on the worker's `PATH` unless said otherwise.
        program: Option<String>,
        /// Which model, as `pi` calls it; its own choice unless said otherwise.
        model: Option<String>,
    },
    /// Any address that speaks like `OpenAI`'s.
    Openai {
        /// The address, up to and without `/chat/completions`.
        url: String,
        /// Which model.
        model: String,
        /// The secret that it is asked with, if it wants one.
        secret: Option<Name>,
    },
}

/// Questions, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// Models it may prefer; the operator's own choice unless some are named.
    pub models: Vec<String>,
    /// How long one of its questions may take.
    pub within: Option<Time>,
}
