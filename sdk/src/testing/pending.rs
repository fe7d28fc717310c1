//! What a run waits for: planned steps, each with the time at which something happens to it.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::testing::condition;
use crate::testing::world::World;

/// A step that is planned and has not ended.
pub(super) struct Pending {
    pub(super) id: String,
    /// When something is to happen.
    pub(super) at: Timestamp,
    pub(super) work: Work,
}

/// What happens when the time has come.
#[derive(Clone)]
pub(super) enum Work {
    /// The body runs.
    Run,
    /// A sleep is over.
    Wake,
    /// No event came.
    WaitForEvent {
        event: String,
        condition: Option<String>,
    },
    /// No signal came.
    WaitForSignal {
        signal: String,
    },
    Send {
        options: String,
    },
    Signal {
        signal: String,
        data: Value,
    },
    Invoke {
        function: String,
        data: Value,
    },
    /// An invoked function took too long.
    OutOfTime,
    Fetch {
        options: String,
    },
    Infer {
        options: String,
    },
}

/// The options of all kinds that this file looks into.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    milliseconds: Option<u64>,
    until: Option<Timestamp>,
    event: String,
    #[serde(rename = "if")]
    condition: Option<String>,
    signal: String,
    function: String,
    data: Value,
}

impl Pending {
    /// A step with a body, which is to run now.
    pub(super) fn body(world: &World, now: Timestamp, id: String) -> Self {
        Self::planned(world, now, id, "run", "{}")
    }

    /// A step as the function asked for it.
    pub(super) fn planned(
        world: &World,
        now: Timestamp,
        id: String,
        kind: &str,
        options: &str,
    ) -> Self {
        let text = options.to_owned();
        let options = if options.is_empty() { "{}" } else { options };
        let options: Options = serde_json::from_str(options).expect("the SDK wrote it");
        let given = options.milliseconds.map(|given| {
            SignedDuration::from_millis(i64::try_from(given).expect("366 days are few"))
        });
        let takes = SignedDuration::try_from(world.duration(&id)).expect("a test is short");
        let work = match kind {
            "run" => Work::Run,
            "sleep" | "sleep-until" => Work::Wake,
            "wait-for-event" => {
                Work::WaitForEvent { event: options.event, condition: options.condition }
            }
            "wait-for-signal" => Work::WaitForSignal { signal: options.signal },
            "send-event" => Work::Send { options: text },
            "send-signal" => Work::Signal { signal: options.signal, data: options.data },
            "invoke" if given.is_some_and(|given| given < takes) => Work::OutOfTime,
            "invoke" => Work::Invoke { function: options.function, data: options.data },
            "fetch" => Work::Fetch { options: text },
            "infer" => Work::Infer { options: text },
            other => panic!("the harness knows no step of the kind `{other}`"),
        };
        let wait = match work {
            Work::Wake
            | Work::WaitForEvent { .. }
            | Work::WaitForSignal { .. }
            | Work::OutOfTime => given.unwrap_or_default(),
            _ => takes,
        };
        let at = options.until.unwrap_or_else(|| later(now, wait));
        Self { id, at, work }
    }

    /// Whether the step waits for this event.
    pub(super) fn takes_event(&self, started: &Value, candidate: &Value) -> bool {
        let Work::WaitForEvent { event, condition } = &self.work else { return false };
        candidate["name"] == event.as_str()
            && condition.as_ref().is_none_or(|text| condition::holds(text, started, candidate))
    }

    /// Whether the step waits for this signal.
    pub(super) fn takes_signal(&self, name: &str) -> bool {
        matches!(&self.work, Work::WaitForSignal { signal } if signal == name)
    }
}

impl Work {
    /// Whether the server tries again when it failed.
    pub(super) fn is_repeated(&self) -> bool {
        !matches!(self, Self::Invoke { .. } | Self::OutOfTime)
    }

    /// Whether a test can stand in for it.
    pub(super) fn is_replaceable(&self) -> bool {
        use Work::{OutOfTime, WaitForEvent, WaitForSignal, Wake};
        !matches!(self, Wake | WaitForEvent { .. } | WaitForSignal { .. } | OutOfTime)
    }
}

/// What an invocation fails with when its time is over.
pub(super) fn out_of_time() -> Error {
    Error::stop("Timed out waiting for invoked function to complete").named(Error::INVOKE_TIMEOUT)
}

/// A time after another.
pub(super) fn later(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_add(time).expect("a test ends before the calendar does")
}
