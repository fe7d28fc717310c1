//! How many runs of a function start and go on, and when: concurrency, throttle, rate limit, debounce, batch.

use std::time::Duration;

use super::members::Members;
use crate::expression::Expression;

/// How many steps of a function's runs execute at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concurrency {
    /// The most; at least 1.
    pub limit: u32,
    /// Counted for each value of it apart.
    pub key: Option<Expression>,
    /// Among which functions it is counted.
    pub scope: Scope,
}

/// Among which functions a concurrency limit is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// This function.
    #[default]
    Function,
    /// All functions of the environment with the same key.
    Environment,
    /// All functions of the account with the same key.
    Account,
}

/// How many runs start in a time; the others wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// The most; at least 1.
    pub limit: u32,
    /// In which time.
    pub period: Duration,
    /// How many may start at once beyond it.
    pub burst: Option<u32>,
    /// Counted for each value of it apart.
    pub key: Option<Expression>,
}

/// How many events start a run in a time; the others start none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// The most; at least 1.
    pub limit: u32,
    /// In which time; a day at most.
    pub period: Duration,
    /// Counted for each value of it apart.
    pub key: Option<Expression>,
}

/// Events that follow each other closely start one run, with the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debounce {
    /// How long it must be quiet.
    pub period: Duration,
    /// When the run starts even though it is not quiet.
    pub timeout: Option<Duration>,
    /// Counted for each value of it apart.
    pub key: Option<Expression>,
}

/// Several events start one run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// How many at most; at least 2.
    pub max_size: u32,
    /// How long the first of them waits at most.
    pub timeout: Duration,
    /// Batches are made for each value of it apart.
    pub key: Option<Expression>,
    /// Events for which it is false start a run of their own.
    pub condition: Option<Expression>,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
/// The longest wait the server knows.
const YEAR: Duration = Duration::from_hours(366 * 24);

fn key(members: &mut Members) -> Option<Expression> {
    members.expression("key", Expression::over_event)
}

fn limit(members: &mut Members) -> Option<u32> {
    let limit = members.whole("limit", 1..=u32::MAX);
    members.required("limit", limit, "10")
}

impl Concurrency {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let (limit, key) = (limit(members), key(members));
        let scope = match members.text("scope").as_deref() {
            None | Some("fn") => Scope::Function,
            Some("env") => Scope::Environment,
            Some("account") => Scope::Account,
            Some(other) => {
                members.fault(
                    "scope",
                    format_args!("{other:?} is not \"fn\", \"env\" or \"account\""),
                );
                return None;
            }
        };
        if scope != Scope::Function && key.is_none() {
            members.required(
                "key",
                key.as_ref(),
                "\"event.data.customer_id\": a scope beyond the function needs it",
            );
        }
        Some(Self { limit: limit?, key, scope })
    }
}

impl Throttle {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let limit = limit(members);
        let period = members.duration("period", SECOND..=YEAR);
        let period = members.required("period", period, "\"1m\"");
        let burst = members.whole("burst", 0..=u32::MAX);
        let key = key(members);
        Some(Self { limit: limit?, period: period?, burst, key })
    }
}

impl RateLimit {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let limit = limit(members);
        let period = members.duration("period", SECOND..=DAY);
        let period = members.required("period", period, "\"1h\"");
        let key = key(members);
        Some(Self { limit: limit?, period: period?, key })
    }
}

impl Debounce {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let period = members.duration("period", SECOND..=WEEK);
        let period = members.required("period", period, "\"10s\"");
        let timeout = members.duration("timeout", SECOND..=WEEK);
        let key = key(members);
        Some(Self { period: period?, timeout, key })
    }
}

impl Batch {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let max_size = members.whole("max_size", 2..=100);
        let max_size = members.required("max_size", max_size, "50");
        let timeout = members.duration("timeout", SECOND..=WEEK);
        let timeout = members.required("timeout", timeout, "\"5s\"");
        let key = key(members);
        let condition = members.expression("if", Expression::over_event);
        Some(Self { max_size: max_size?, timeout: timeout?, key, condition })
    }
}
