//! What a function declares of its flow.

use std::time::Duration;

use super::meter::Rate;
use crate::condition::Condition;

/// The flow control of one function.
#[derive(Debug, Default)]
pub(crate) struct FlowRules {
    /// How many calls of it are under way at a time; each of them has to have a place.
    pub(crate) calls: Vec<Concurrency>,
    /// How many runs of it have begun and not ended.
    pub(crate) runs: Option<Concurrency>,
    /// How many runs start within a period; the others wait.
    pub(crate) throttle: Option<Keyed<Rate>>,
    /// How many runs start within a period; the others never do.
    pub(crate) limit: Option<Keyed<Rate>>,
    /// Only the last of events that come one soon after another starts a run.
    pub(crate) debounce: Option<Keyed<Debounce>>,
    /// How many seconds earlier than it came a run counts as come.
    pub(crate) priority: Option<Condition>,
    /// One run at a time.
    pub(crate) singleton: Option<Keyed<Singleton>>,
}

impl FlowRules {
    /// Whether a function declares none: its runs need no names.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { calls, runs, throttle, limit, debounce, priority, singleton } = self;
        calls.is_empty()
            && runs.is_none()
            && throttle.is_none()
            && limit.is_none()
            && debounce.is_none()
            && priority.is_none()
            && singleton.is_none()
    }
}

/// A rule that holds for each value of its key apart; without a key for all together.
#[derive(Debug)]
pub(crate) struct Keyed<T> {
    pub(crate) rule: T,
    pub(crate) key: Option<Condition>,
}

/// How many at a time.
#[derive(Debug)]
pub(crate) struct Concurrency {
    /// At least one.
    pub(crate) most: u32,
    pub(crate) key: Option<Condition>,
    pub(crate) scope: Scope,
}

/// Among whom a name is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Among the runs of the function.
    Function,
    /// Among all functions of the environment, of which this engine has one.
    Environment,
    /// Among all functions of the account, of which this engine has one.
    Account,
}

/// How events follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Debounce {
    /// How long it has to be quiet.
    pub(crate) period: Duration,
    /// How long the first event waits at most.
    pub(crate) timeout: Option<Duration>,
}

/// What happens to a run that finds another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Singleton {
    pub(crate) mode: SingletonMode,
}

/// Which of two runs gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SingletonMode {
    /// The new one.
    Skip,
    /// The one that is there: it is canceled.
    Cancel,
}
