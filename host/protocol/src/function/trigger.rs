//! What starts a run of a function.

use std::time::Duration;

use super::members::Members;
use crate::cron::CronExpression;
use crate::event::EventName;
use crate::expression::Expression;
use crate::id::FunctionId;

/// What starts a run of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// An event of this name; a trailing `/*` or `.*` matches any name below.
    Event {
        /// The name or pattern.
        event: EventName,
        /// A condition over `event`.
        expression: Option<Expression>,
    },
    /// A schedule.
    Cron {
        /// When.
        schedule: Box<CronExpression>,
        /// Up to how much later, by chance, so that not everything starts in the same second.
        jitter: Option<Duration>,
    },
    /// A run of another function of the same app that has failed for good: this function is its failure handler.
    FailureOf(FunctionId),
}

const JITTER: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);

impl Trigger {
    pub(super) fn read(members: &mut Members) -> Option<Self> {
        let kinds = ["event", "cron", "failure_of"];
        let given: Vec<_> = kinds.into_iter().filter(|kind| members.has(kind)).collect();
        let &[kind] = given.as_slice() else {
            for taken in ["event", "expression", "cron", "jitter", "failure_of"] {
                members.any(taken);
            }
            members.fault(
                "",
                match given.as_slice() {
                    [] => "it is neither an event nor a cron nor a failure_of".to_owned(),
                    more => {
                        format!("it is {} at once; write a trigger for each", more.join(" and "))
                    }
                },
            );
            return None;
        };
        let text = members.text(kind)?;
        match kind {
            "event" => {
                let expression = members.expression("expression", Expression::over_event);
                let event = EventName::pattern(&text).map_err(|e| members.fault(kind, e)).ok();
                Some(Self::Event { event: event?, expression })
            }
            "cron" => {
                let jitter = members.duration("jitter", JITTER);
                let cron = CronExpression::parse(&text).map_err(|e| members.fault(kind, e)).ok();
                Some(Self::Cron { schedule: Box::new(cron?), jitter })
            }
            _ => text.parse().map(Self::FailureOf).map_err(|e| members.fault(kind, e)).ok(),
        }
    }

    /// Whether the server takes both for the same: two schedules are, whatever their jitter.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cron { schedule: a, .. }, Self::Cron { schedule: b, .. }) => a == b,
            (a, b) => a == b,
        }
    }
}
