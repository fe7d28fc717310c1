//! What the operator says of models.

use std::time::Duration;

use serde::Deserialize;

use crate::grants::{Name, Time};

/// Who answers, in the order in which they are asked, and how many questions run at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Providers {
    /// The providers. Without any it is the local `pi`, if it is on the worker's `PATH`.
    pub providers: Vec<Source>,
    /// How many questions run at once; 4 unless said otherwise.
    pub at_once: Option<usize>,
    /// How long a question may take, all attempts together; 120 s unless said otherwise.
    pub within: Option<Time>,
    /// How many providers are asked for one question; 3 unless said otherwise.
    pub attempts: Option<usize>,
    /// After how many failures in a row a provider, or what a component asks for, is left alone; 5 unless said otherwise.
    pub failures: Option<u32>,
    /// For how long it is left alone then; 60 s unless said otherwise.
    pub pause: Option<Time>,
}

/// One that answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// The command `pi` of this machine. It is given no keys.
    Pi {
        /// Where it is; `pi` on the worker's `PATH` unless said otherwise.
        program: Option<String>,
        /// Which model, as `pi` calls it; its own choice unless said otherwise.
        model: Option<String>,
        /// The tasks it is asked for; all unless some are named.
        #[serde(default)]
        tasks: Vec<String>,
        /// How long one attempt may take; as long as the question unless said otherwise.
        within: Option<Time>,
    },
    /// Any address that speaks like `OpenAI`'s.
    Openai {
        /// The address, up to and without `/chat/completions`.
        url: String,
        /// Which model.
        model: String,
        /// The secret that it is asked with, if it wants one.
        secret: Option<Name>,
        /// The tasks it is asked for; all unless some are named.
        #[serde(default)]
        tasks: Vec<String>,
        /// How long one attempt may take; as long as the question unless said otherwise.
        within: Option<Time>,
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

impl Providers {
    pub(super) fn within(&self) -> Duration {
        self.within.map_or(Duration::from_mins(2), Time::duration)
    }

    pub(super) fn at_once(&self) -> usize {
        self.at_once.unwrap_or(4)
    }

    pub(super) fn attempts(&self) -> usize {
        self.attempts.unwrap_or(3)
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures.unwrap_or(5)
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause.map_or(Duration::from_mins(1), Time::duration)
    }
}

impl Source {
    /// How records and errors call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Pi { .. } => "pi",
            Self::Openai { url, .. } => url,
        }
    }

    /// Which model it is asked for where the question has no say.
    pub(super) fn model(&self) -> Option<&str> {
        match self {
            Self::Pi { model, .. } => model.as_deref(),
            Self::Openai { model, .. } => Some(model),
        }
    }

    /// Whether it is asked for this.
    pub(super) fn takes(&self, task: Option<&str>) -> bool {
        let (Self::Pi { tasks, .. } | Self::Openai { tasks, .. }) = self;
        tasks.is_empty() || task.is_some_and(|task| tasks.iter().any(|own| own == task))
    }

    pub(super) fn within(&self) -> Option<Duration> {
        let (Self::Pi { within, .. } | Self::Openai { within, .. }) = self;
        within.map(Time::duration)
    }
}
