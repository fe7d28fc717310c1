//! What a guest reports becomes the reply that the JavaScript SDK gave to the same call.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::directory::Directory;
use protocol::op::{ErrorObject, Retry, Timing};
use protocol::outcome::Outcome;
use protocol::replay::{Decision, Found, Replay, Rigour, Stop};
use protocol::reply::Reply;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{Fixture, normal};

/// How the guest's part of the call ends.
enum End {
    /// The host decides: the steps found are reported.
    Reported,
    /// The body that runs returns this, or fails.
    Body(Result<&'static str, (ErrorObject, Retry)>),
    /// The server has taken the events, and gave them these ids.
    Sent(&'static str),
    /// The function returns this, or fails.
    Function(Result<&'static str, (ErrorObject, Retry)>),
}

/// A guest that answers one fixture's call: the steps it finds in each round, and which memos it is told.
struct Guest {
    fixture: &'static str,
    finds: &'static [&'static [Found<'static>]],
    told: &'static [&'static str],
    end: End,
}

const fn run(name: &'static str) -> Found<'static> {
    Found { name, kind: "run", options: "" }
}

const fn sleep(name: &'static str, options: &'static str) -> Found<'static> {
    Found { name, kind: "sleep", options }
}

const AFTER: Found<'static> = run("after");
const BAD: Found<'static> = run("bad");
const BOOM: Found<'static> = run("boom");
const JOIN: Found<'static> = run("d");
const FLAKY: Found<'static> = run("flaky");
const RECOVER: Found<'static> = run("recover");
const SAME: Found<'static> = run("same");
const BEFORE: Found<'static> = run("before");
const NAP: Found<'static> = sleep("nap", r#"{"milliseconds":2000}"#);
const NAP_UNTIL: Found<'static> = Found {
    name: "nap-until",
    kind: "sleep-until",
    options: r#"{"until":"2026-11-22T11:40:44.742Z"}"#,
};
const SEND: Found<'static> = Found {
    name: "send-two",
    kind: "send-event",
    options: r#"{"events":[{"name":"t/plain","data":{"name":"from-sender"}},{"name":"t/nobody","data":{}}]}"#,
};
const BRANCHES: &[Found<'static>] =
    &[run("a"), run("b"), run("c"), sleep("z", r#"{"milliseconds":1000}"#)];
const JOINED: &[&str] = &[r#"1="B""#, r#"0="A""#, r#"2="C""#, "3=null"];
const IDS: &str = r#"{"ids":["01M81GXWDSDGCZ96C9KR1PCRGG","01M81GXWDSDGCZ96C9KR1PCRGH"]}"#;
const SECOND: Retry = Retry::After(Duration::from_secs(1));

fn error(name: &str, message: &str, retry: Retry) -> (ErrorObject, Retry) {
    (ErrorObject::new(name, message), retry)
}

fn caused(name: &str, message: &str, cause: &str, retry: Retry) -> (ErrorObject, Retry) {
    let cause = format!(r#"{{"name":"Error","message":"{cause}"}}"#);
    let cause = Some(RawValue::from_string(cause).expect("JSON"));
    (ErrorObject { cause, ..ErrorObject::new(name, message) }, retry)
}

/// One guest for each kind of answer.
fn guests() -> Vec<Guest> {
    use End::{Body, Function, Reported, Sent};
    let guest = |fixture, finds, told, end| Guest { fixture, finds, told, end };
    let refused = || error("NonRetriableError", "bad step", Retry::Never);
    vec![
        guest("first_call", &[&[SAME]], &[], Body(Ok(r#""str""#))),
        guest(
            "repeated_step",
            &[&[SAME], &[SAME], &[SAME], &[SAME], &[SAME]],
            &[r#"0="str""#, "1=42", "2=null", "3=null"],
            Body(Ok(r#"[1,{"x":2}]"#)),
        ),
        guest("result", &[], &[], Function(Ok(r#"{"hello":"bob"}"#))),
        guest("batch", &[], &[], Function(Ok(r#"{"n":3}"#))),
        guest("sleep", &[&[BEFORE], &[NAP]], &[r#"0="b""#], Reported),
        guest("sleep_until", &[&[BEFORE], &[NAP], &[NAP_UNTIL]], &[r#"0="b""#, "1=null"], Reported),
        guest(
            "after_sleeps",
            &[&[BEFORE], &[NAP], &[NAP_UNTIL], &[AFTER]],
            &[r#"0="b""#, "1=null", "2=null"],
            Body(Ok(r#""woke""#)),
        ),
        guest("send_event", &[&[SEND]], &[], Sent(IDS)),
        guest(
            "sent_events",
            &[&[SEND]],
            &[r#"0={"ids":["01M81GXWDSDGCZ96C9KR1PCRGG","01M81GXWDSDGCZ96C9KR1PCRGH"]}"#],
            Function(Ok(IDS)),
        ),
        guest(
            "step_error_retry_after",
            &[&[FLAKY]],
            &[],
            Body(Err(error("RetryAfterError", "flaky 1", SECOND))),
        ),
        guest("step_second_attempt", &[&[FLAKY]], &[], Body(Ok("2"))),
        guest("step_failed_for_good", &[&[BAD]], &[], Body(Err(refused()))),
        guest(
            "step_failed_on_last_attempt",
            &[&[BOOM]],
            &[],
            Body(Err(error("TypeError", "kaboom", Retry::Again))),
        ),
        guest(
            "caught_step_error",
            &[&[BAD], &[RECOVER]],
            &["0!NonRetriableError: bad step"],
            Body(Ok(r#""NonRetriableError:bad step""#)),
        ),
        guest(
            "escaped_step_error",
            &[&[BOOM]],
            &["0!TypeError: kaboom"],
            Function(Err(error("TypeError", "kaboom", Retry::Never))),
        ),
        guest("parallel_plan", &[BRANCHES], &[], Reported),
        guest("parallel_target", &[BRANCHES], &[], Body(Ok(r#""A""#))),
        guest("parallel_joined", &[BRANCHES, &[], &[], &[], &[JOIN]], JOINED, Reported),
        guest(
            "target_after_memos",
            &[BRANCHES, &[], &[], &[], &[JOIN]],
            JOINED,
            Body(Ok(r#""D""#)),
        ),
        guest(
            "result_after_steps",
            &[BRANCHES, &[], &[], &[], &[JOIN]],
            &[r#"1="B""#, r#"0="A""#, r#"2="C""#, "3=null", r#"4="D""#],
            Function(Ok(r#"{"r":["A","B","C"],"d":"D"}"#)),
        ),
        guest(
            "function_error_retry_after_seconds",
            &[&[FLAKY]],
            &["0=2"],
            Function(Err(caused("RetryAfterError", "fn-level", "root", SECOND))),
        ),
        guest(
            "function_error_retry_after_date",
            &[],
            &[],
            Function(Err(error("RetryAfterError", "later", SECOND))),
        ),
        guest(
            "function_error_for_good",
            &[],
            &[],
            Function(Err(caused("NonRetriableError", "stop it", "why", Retry::Never))),
        ),
        guest(
            "function_error_on_last_attempt",
            &[],
            &[],
            Function(Err(error("Error", "just a string", Retry::Again))),
        ),
    ]
}

const TIMING: Timing = Timing { start: Timestamp::UNIX_EPOCH, took: Duration::from_millis(1) };

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

impl Guest {
    /// Plays the guest's part, and has what comes of it made a reply.
    fn answer(self, fixture: &Fixture) -> Reply {
        let call = fixture.call();
        let directory = Directory::new("jsapp".parse().expect("an id"));
        let mut replay = Replay::new(call.clone(), Arc::new(directory), Rigour::Lenient);
        let mut told = Vec::new();
        let mut rounds = self.finds.iter();
        let outcome = loop {
            let Some(finds) = rounds.next() else {
                let End::Function(result) = self.end else { panic!("the function goes on") };
                break replay.ended(result.map(json));
            };
            match replay.next(finds.iter().copied(), &[]).expect("the guest keeps the rules") {
                Decision::Resolve { step, value: Ok(data) } => told.push(format!("{step}={data}")),
                Decision::Resolve { step, value: Err(error) } => {
                    let ErrorObject { name, message, .. } = ErrorObject::parse(error);
                    told.push(format!("{step}!{name}: {message}"));
                }
                Decision::Execute { .. } => {
                    let End::Body(result) = self.end else { panic!("a body was to run") };
                    let outcome = match result {
                        Ok(data) => replay.finished(json(data), TIMING),
                        Err((error, retry)) => replay.failed(error, retry, TIMING),
                    };
                    break outcome.expect("a body runs");
                }
                Decision::Stop(Stop::Outcome(outcome)) => {
                    assert!(matches!(self.end, End::Reported), "{outcome:?}");
                    break outcome;
                }
                Decision::Stop(Stop::Send(sending)) => {
                    let End::Sent(ids) = self.end else { panic!("events were to be sent") };
                    let timing = Some(TIMING);
                    let step = sending.step;
                    break Outcome::StepRan { step, race: false, data: json(ids), timing };
                }
            }
        };
        assert_eq!(told, self.told, "{}: the memos it is told, in their order", self.fixture);
        assert_eq!(rounds.count(), 0, "{}: it got to its last round", self.fixture);
        Reply::of(outcome, call.terms())
    }
}

#[test]
fn replies_are_those_of_the_recordings() {
    for guest in guests() {
        let name = guest.fixture;
        let fixture = Fixture::read(name);
        let recorded = fixture.reply.as_ref().expect("a recorded reply");
        assert_eq!(recorded.headers["content-type"], "application/json", "{name}");
        let ours = guest.answer(&fixture);
        let headers: Map<String, Value> =
            ours.headers().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let body = serde_json::from_slice(&ours.body).expect("JSON");
        let ours = normal::reply(ours.status, &headers, &body);
        assert_eq!(
            ours,
            normal::reply(recorded.status, &recorded.headers, &recorded.body),
            "{name}"
        );
    }
}

#[test]
fn our_ops_leave_out_options_and_write_null_data_out() {
    for guest in guests() {
        let (name, reported) = (guest.fixture, !matches!(guest.end, End::Function(_)));
        let reply = guest.answer(&Fixture::read(name));
        let body = String::from_utf8(reply.body).expect("text");
        assert!(!body.contains(r#""opts""#) && !body.contains("__serialized"), "{name}: {body}");
        assert!(!reported || body.contains(r#""data":"#), "{name}: {body}");
    }
}
