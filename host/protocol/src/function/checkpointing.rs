//! When the results of a function's steps are stored while the function goes on.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::members::Members;

/// When the results of steps are stored while the function goes on.
///
/// A checkpoint is a request to the server. What was not stored yet when a worker dies runs again, so fewer
/// checkpoints cost less and risk more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checkpointing {
    /// Never: every step ends the call, and the server makes another one.
    Off,
    /// After each step.
    #[default]
    EveryStep,
    /// After several steps or after some time, whatever comes first.
    Batched {
        /// How many results are gathered at most.
        steps: NonZeroU32,
        /// How long the first result of a batch waits at most; absent, until the batch is full or the call ends.
        interval: Option<Duration>,
        /// How long one call may take: the next step after it is left to another call. Absent, the worker's own
        /// limit holds.
        max_runtime: Option<Duration>,
    },
}

const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);
const MAX_RUNTIME: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);

impl Checkpointing {
    /// How many results a batch gathers when its function does not say.
    pub const STEPS: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

    /// Takes the member `checkpoint` out of a function's members.
    pub(super) fn take(members: &mut Members) -> Option<Self> {
        const NAME: &str = "checkpoint";
        if !members.has(NAME) {
            return Some(Self::default());
        }
        if members.is_text(NAME) {
            return match members.text(NAME)?.as_str() {
                "off" => Some(Self::Off),
                "every-step" => Some(Self::EveryStep),
                other => {
                    members.fault(NAME, format_args!("{other:?} is not \"off\" or \"every-step\""));
                    None
                }
            };
        }
        members.object(NAME, |batch| {
            let steps = batch.whole("steps", 1..=1_000).and_then(NonZeroU32::new);
            Some(Self::Batched {
                steps: steps.unwrap_or(Self::STEPS),
                interval: batch.duration("interval", INTERVAL),
                max_runtime: batch.duration("max_runtime", MAX_RUNTIME),
            })
        })
    }
}
