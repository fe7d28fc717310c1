//! The options of a function, as the server shall keep them.
//!
//! `#[function]` checks what it writes here: durations are text such as `90s` or `1d12h`, keys and
//! conditions are CEL.

use serde::{Serialize, Serializer};

/// What the server shall do about the runs of a function, beyond starting them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Options {
    /// How many steps run at the same time; two limits at most.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub concurrency: &'static [Concurrency],
    /// How many runs begin in a time; more wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// How many runs begin in a time; further events start nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How long no event may come before the last one starts a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debounce: Option<Debounce>,
    /// Many events for one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// CEL that gives the seconds by which a run goes before others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<&'static str>,
    /// Events that cancel a run; five at most.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub cancel_on: &'static [CancelOn],
    /// After which times a run is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// CEL; a second event with the same value within a day starts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<&'static str>,
    /// One run at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub singleton: Option<Singleton>,
    /// When results are stored while the function goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// Which version of the code a run goes on with when there is a newer one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Where it is to run although its imports fit elsewhere too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

impl Options {
    /// None of them.
    pub const NONE: Self = Self {
        concurrency: &[],
        throttle: None,
        rate_limit: None,
        debounce: None,
        batch: None,
        priority: None,
        cancel_on: &[],
        timeouts: None,
        idempotency: None,
        singleton: None,
        checkpoint: None,
        mode: None,
        role: None,
    };
}

/// Which version of the code a run goes on with when there is a newer one than it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The newest one that the run's steps fit; what holds where nothing is said.
    LatestCompatible,
    /// The one that the run began with.
    Pinned,
    /// The newest one, whatever the run has done. For development.
    Latest,
}

/// A kind of worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// One on a machine of its own.
    Host,
}

/// How many steps run at the same time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Concurrency {
    /// The most.
    pub limit: u32,
    /// CEL; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'static str>,
    /// Among what is counted; the function unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// Among what running steps are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The steps of this function.
    Fn,
    /// The steps of all functions of the environment with the same key.
    Env,
    /// The steps of all functions of the account with the same key.
    Account,
}

/// How many runs begin in a time; more wait.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Throttle {
    /// The most in a period.
    pub limit: u32,
    /// The period.
    pub period: &'static str,
    /// How many more may begin at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// CEL; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'static str>,
}

/// How many runs begin in a time; further events start nothing.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RateLimit {
    /// The most in a period.
    pub limit: u32,
    /// The period; a day at most.
    pub period: &'static str,
    /// CEL; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'static str>,
}

/// How long no event may come before the last one starts a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Debounce {
    /// The time without events; 1 s to 7 d.
    pub period: &'static str,
    /// After which a run starts though events keep coming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<&'static str>,
    /// CEL; each of its values is debounced by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'static str>,
}

/// Many events for one run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Batch {
    /// The most events; 2 to 100.
    pub max_size: u32,
    /// The longest time an event waits for others.
    pub timeout: &'static str,
    /// CEL; each of its values has a batch of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'static str>,
    /// CEL; an event for which it does not hold starts a run of its own.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<&'static str>,
}

/// An event that cancels a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CancelOn {
    /// Its name.
    pub event: &'static str,
    /// CEL: `event` is what started the run, `async` is what has come.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<&'static str>,
    /// How long after the start of the run it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<&'static str>,
}

/// After which times a run is cancelled.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timeouts {
    /// When it has not begun by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<&'static str>,
    /// When it has not ended by then, counted from its begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<&'static str>,
}

/// One run at a time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Singleton {
    /// What becomes of a second run.
    pub mode: SingletonMode,
    /// CEL; each of its values has a run of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'static str>,
}

/// What becomes of a second run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SingletonMode {
    /// It does not begin.
    Skip,
    /// It begins, and the first one is cancelled.
    Cancel,
}

/// When the results of steps are stored while the function goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// Never: each step is a call of its own.
    Off,
    /// After each step; the default.
    EveryStep,
    /// After some of them: fewer requests, and more to repeat when the worker dies.
    Batched {
        /// After this many steps.
        steps: Option<u32>,
        /// After this time.
        interval: Option<&'static str>,
        /// How long a call goes on at most.
        max_runtime: Option<&'static str>,
    },
}

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Batched {
            #[serde(skip_serializing_if = "Option::is_none")]
            steps: Option<u32>,
            #[serde(skip_serializing_if = "Option::is_none")]
            interval: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_runtime: Option<&'static str>,
        }
        match *self {
            Self::Off => serializer.serialize_str("off"),
            Self::EveryStep => serializer.serialize_str("every-step"),
            Self::Batched { steps, interval, max_runtime } => {
                Batched { steps, interval, max_runtime }.serialize(serializer)
            }
        }
    }
}
