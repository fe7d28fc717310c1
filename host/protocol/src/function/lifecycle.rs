//! What ends runs of a function before their time: cancellation, timeouts, singletons.

use std::time::Duration;

use super::members::Members;
use crate::event::EventName;
use crate::expression::Expression;

/// An event that cancels runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelOn {
    /// Its name.
    pub event: EventName,
    /// Which runs it cancels: a match of `event`, which started the run, and `async`, which has come. Absent, all.
    pub condition: Option<Expression>,
    /// For how long after its start a run can be cancelled so.
    pub timeout: Option<Duration>,
}

/// After which time a run is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// How long it may wait until it starts.
    pub start: Option<Duration>,
    /// How long it may take from there.
    pub finish: Option<Duration>,
}

/// One run at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Singleton {
    /// What becomes of a second one.
    pub mode: SingletonMode,
    /// One at a time for each value of it.
    pub key: Option<Expression>,
}

/// What becomes of a run that would be the second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SingletonMode {
    /// It does not start.
    Skip,
    /// The first one is cancelled.
    Cancel,
}

const LEAST: Duration = Duration::from_secs(1);
/// The longest wait the server knows.
const MOST: Duration = Duration::from_hours(366 * 24);

impl CancelOn {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let event = members.text("event").and_then(|name| {
            EventName::pattern(&name).map_err(|error| members.fault("event", error)).ok()
        });
        let event = members.required("event", event, "\"shop/order.cancelled\"");
        let condition = members.expression("if", Expression::over_both_events);
        let timeout = members.duration("timeout", LEAST..=MOST);
        Some(Self { event: event?, condition, timeout })
    }
}

impl Timeouts {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let timeouts = Self {
            start: members.duration("start", LEAST..=MOST),
            finish: members.duration("finish", LEAST..=MOST),
        };
        if timeouts == Self::default() {
            if members.is_fine() {
                members.fault("", "it is empty; write start or finish, or leave it out");
            }
            return None;
        }
        Some(timeouts)
    }
}

impl Singleton {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let mode = match members.text("mode").as_deref() {
            Some("skip") => Some(SingletonMode::Skip),
            Some("cancel") => Some(SingletonMode::Cancel),
            Some(other) => {
                members.fault("mode", format_args!("{other:?} is not \"skip\" or \"cancel\""));
                None
            }
            None => None,
        };
        let mode = members.required("mode", mode, "\"skip\"");
        let key = members.expression("key", Expression::over_event);
        Some(Self { mode: mode?, key })
    }
}
