//! Outcome → reply: the one place where it is decided what the server is told.

use std::time::Duration;

use serde::Serialize;

use crate::call::Terms;
use crate::op::{ErrorObject, Op, OpCode, Retry};
use crate::outcome::Outcome;
use crate::step::StepName;
use crate::{EVERY_END_WAKES, REQUEST_VERSION, SDK, header};

/// A reply, for any transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status: 200 a result, 206 ops, 400 and 500 failures.
    pub status: u16,
    /// Whether a failure is final; none where the header does not belong.
    pub no_retry: Option<bool>,
    /// When to try again, in whole seconds.
    pub retry_after: Option<u64>,
    /// The execution version, which the server records for the run.
    pub version: i32,
    /// JSON.
    pub body: Vec<u8>,
}

/// How long the server shall wait before it asks again for what this code cannot do: another version of the code may
/// be on its way.
const OTHER_CODE_PAUSE: Duration = Duration::from_secs(3);

impl Reply {
    /// What the server is told about an outcome of a call on these terms.
    pub fn of(outcome: Outcome, terms: Terms) -> Self {
        let Terms { attempt, version: recorded } = terms;
        let version = version(&outcome, recorded);
        let reply = match outcome {
            Outcome::Done(data) => Self::plain(200, data.get().as_bytes().to_vec()),
            Outcome::Planned(ops) => Self::plain(206, json(&ops)),
            Outcome::Switch => {
                // Once in a run: after this the recorded version is another. The server records a version together
                // with a first group of ops, so there have to be two; the second one does nothing.
                let again = Op::discovery_request("every-end-wakes");
                let nothing = Op { code: OpCode::Nothing, ..again.clone() };
                Self::plain(206, json(&[again, nothing]))
            }
            Outcome::Again { unique } => Self::plain(206, json(&[Op::discovery_request(&unique)])),
            Outcome::Superseded => {
                let error = ErrorObject::new(
                    "Superseded",
                    "the server gave this work to another call; this one has stopped",
                );
                Self { no_retry: Some(true), ..Self::plain(400, json(&error)) }
            }
            Outcome::StepRan { step, race, data, timing } => {
                let code = OpCode::StepRun { data, timing };
                Self::plain(206, json(&[Op { step, code, race }]))
            }
            Outcome::StepFailed { step, race, error, retry, timing } => {
                if retry == Retry::Never || attempt.is_last() {
                    let code = OpCode::StepFailed { error, timing };
                    let ops = json(&[Op { step, code, race }]);
                    Self { no_retry: Some(true), ..Self::plain(206, ops) }
                } else {
                    let code = OpCode::StepError { error, timing };
                    Self::plain(206, json(&[Op { step, code, race }])).retried(retry)
                }
            }
            Outcome::Failed { error, retry } => {
                if retry == Retry::Never || attempt.is_last() {
                    Self { no_retry: Some(true), ..Self::plain(400, json(&error)) }
                } else {
                    Self::plain(500, json(&error)).retried(retry)
                }
            }
            // Neither is meant for a server: whoever asked for a proof calls other code, or this code again. Where that
            // did not happen, the call comes again.
            Outcome::Fits => Self::plain(
                500,
                json(&unanswered("the memo of this run was looked at, and nothing ran")),
            )
            .retried(Retry::After(OTHER_CODE_PAUSE)),
            Outcome::Unfit(misfit) => Self::plain(500, json(&unanswered(&misfit.to_string())))
                .retried(Retry::After(OTHER_CODE_PAUSE)),
            Outcome::TargetNotFound { target, found, ending } => {
                let met =
                    found.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ");
                let met = if met.is_empty() { "none".to_owned() } else { met };
                let error = ErrorObject::new(
                    "StepNotFound",
                    format!(
                        "the function has no step {target} any more: {ending}; steps met without a memo: {met}. \
                         Deploy the version that planned it, or keep the step"
                    ),
                );
                if attempt.is_last() {
                    // The failure is stored under the step and the run goes on; a failed call would end the run.
                    let step = StepName { id: target, name: target.to_string(), index: 0 };
                    let code = OpCode::StepFailed { error, timing: None };
                    let ops = json(&[Op { step, code, race: false }]);
                    Self { no_retry: Some(true), ..Self::plain(206, ops) }
                } else {
                    Self::plain(500, json(&error)).retried(Retry::After(OTHER_CODE_PAUSE))
                }
            }
        };
        Self { version, ..reply }
    }

    /// A call that could not even be made: the server tries again while attempts remain.
    pub fn refused(status: u16, error: &ErrorObject) -> Self {
        Self { no_retry: Some(false), ..Self::plain(status, json(error)) }
    }

    /// The headers of the reply, signature and content type apart.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        [
            Some((header::SDK, SDK.to_owned())),
            Some((header::REQUEST_VERSION, self.version.to_string())),
            self.no_retry.map(|no_retry| (header::NO_RETRY, no_retry.to_string())),
            self.retry_after.map(|seconds| (header::RETRY_AFTER, seconds.to_string())),
        ]
        .into_iter()
        .flatten()
    }

    fn plain(status: u16, body: Vec<u8>) -> Self {
        Self { status, no_retry: None, retry_after: None, version: REQUEST_VERSION, body }
    }

    fn retried(self, retry: Retry) -> Self {
        let retry_after = match retry {
            Retry::Again | Retry::Never => None,
            Retry::After(pause) => Some(retry_after_seconds(pause)),
        };
        Self { no_retry: Some(false), retry_after, ..self }
    }
}

/// A call that ended before anything happened.
fn unanswered(why: &str) -> ErrorObject {
    ErrorObject::new("Unfit", why.to_owned())
}

/// The execution version to answer with.
///
/// Version 2 calls a function again when all steps that were reported together have ended. A race that a wait for an
/// event may win cannot be told so: no option lifts the barrier for it, but version 1 has none. What is recorded for a
/// run stays, whatever a newer worker would choose.
fn version(outcome: &Outcome, recorded: i32) -> i32 {
    let wait_in_race = |op: &Op| op.race && matches!(op.code, OpCode::WaitForEvent(_));
    match outcome {
        Outcome::Switch => EVERY_END_WAKES,
        Outcome::Planned(ops) if ops.iter().any(wait_in_race) => EVERY_END_WAKES,
        _ if recorded < 0 => REQUEST_VERSION,
        _ => recorded.min(REQUEST_VERSION),
    }
}

/// Whole seconds, rounded up, within what the server accepts: one second to one day.
fn retry_after_seconds(pause: Duration) -> u64 {
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    seconds.clamp(1, 24 * 60 * 60)
}

fn json<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("ops and errors have string keys only")
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::call::Attempt;
    use crate::id::StepId;

    const FIRST: Terms = Terms { attempt: Attempt { number: 0, most: 3 }, version: 2 };
    const LAST: Terms = Terms { attempt: Attempt { number: 2, most: 3 }, version: 2 };

    fn step() -> StepName {
        StepName { id: StepId::hash("a"), name: "a".to_owned(), index: 0 }
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    fn op_of(reply: &Reply) -> String {
        let ops: Vec<serde_json::Value> = serde_json::from_slice(&reply.body).expect("ops");
        ops.iter()
            .map(|op| op["op"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn failures_become_the_status_headers_and_op_that_the_attempt_demands() {
        let pause = Retry::After(Duration::from_millis(1_500));
        for (retry, attempt, op, no_retry, after) in [
            (Retry::Again, FIRST, "StepError", false, None),
            (pause, FIRST, "StepError", false, Some(2)),
            (Retry::Never, FIRST, "StepFailed", true, None),
            (Retry::Again, LAST, "StepFailed", true, None),
            (pause, LAST, "StepFailed", true, None),
        ] {
            let error = ErrorObject::new("E", "m");
            let outcome = Outcome::StepFailed {
                step: step(),
                race: false,
                error: error.clone(),
                retry,
                timing: None,
            };
            let reply = Reply::of(outcome, attempt);
            assert_eq!((reply.status, op_of(&reply).as_str()), (206, op), "{retry:?}");
            assert_eq!((reply.no_retry, reply.retry_after), (Some(no_retry), after), "{retry:?}");

            let reply = Reply::of(Outcome::Failed { error, retry }, attempt);
            assert_eq!(reply.status, if no_retry { 400 } else { 500 }, "{retry:?}");
            assert_eq!((reply.no_retry, reply.retry_after), (Some(no_retry), after), "{retry:?}");
        }
    }

    #[test]
    fn a_missing_target_waits_for_other_code_and_at_last_lets_the_run_go_on() {
        let target = StepId::hash("gone");
        let outcome = Outcome::TargetNotFound {
            target,
            found: vec![step()],
            ending: "it returned".to_owned(),
        };
        let reply = Reply::of(outcome.clone(), FIRST);
        assert_eq!((reply.status, reply.no_retry, reply.retry_after), (500, Some(false), Some(3)));
        let text = String::from_utf8(reply.body).expect("text");
        assert!(
            text.contains(&target.to_string()) && text.contains("without a memo: a."),
            "{text}"
        );
        let reply = Reply::of(outcome, LAST);
        assert_eq!((reply.status, op_of(&reply).as_str()), (206, "StepFailed"));
    }

    #[test]
    fn results_and_ops_travel_as_they_are() {
        let done = Reply::of(Outcome::Done(raw("null")), FIRST);
        assert_eq!((done.status, done.body.as_slice(), done.no_retry), (200, &b"null"[..], None));
        let ran = Outcome::StepRan { step: step(), race: false, data: raw("7"), timing: None };
        assert_eq!(op_of(&Reply::of(ran, LAST)), "StepRun");
        let planned = vec![Op { step: step(), code: OpCode::StepPlanned, race: false }];
        let reply = Reply::of(Outcome::Planned(planned), FIRST);
        assert_eq!((reply.status, op_of(&reply).as_str()), (206, "StepPlanned"));
        let headers: Vec<_> = reply.headers().collect();
        assert_eq!(
            headers,
            [(header::SDK, SDK.to_owned()), (header::REQUEST_VERSION, "2".to_owned())]
        );
    }

    #[test]
    fn pauses_stay_within_what_the_server_accepts() {
        for (pause, seconds) in [
            (Duration::ZERO, 1),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(2), 2),
            (Duration::from_millis(2_001), 3),
            (Duration::from_secs(1_000_000), 86_400),
        ] {
            assert_eq!(retry_after_seconds(pause), seconds, "{pause:?}");
        }
    }
}
