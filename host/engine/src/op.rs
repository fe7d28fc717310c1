//! Ops as a worker reports them in a 206.

mod wire;

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StepId;
use protocol::op::ErrorObject;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::condition::Condition;
use crate::request::Request;
use crate::run::timeline::{Kind, Named};

use wire::Wire;

/// The most ops one reply may carry.
const MOST_OPS: usize = 1_000;

/// A step as a reply names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    pub(crate) id: StepId,
    /// What people call it.
    pub(crate) name: String,
    /// Whether its end lifts the barrier of the batch it belongs to.
    pub(crate) race: bool,
}

impl Reported {
    /// The step as a timeline knows it.
    pub(crate) fn named(&self, kind: Kind) -> Named<'_> {
        Named { step: self.id, name: &self.name, kind }
    }
}

/// One op, checked.
#[derive(Debug)]
pub(crate) enum Op {
    StepRun {
        step: Reported,
        data: Box<RawValue>,
        took: Option<Duration>,
    },
    StepError {
        step: Reported,
        error: Box<RawValue>,
    },
    StepFailed {
        step: Reported,
        error: Box<RawValue>,
    },
    StepPlanned {
        step: Reported,
    },
    Sleep {
        step: Reported,
        until: Timestamp,
    },
    /// Wait for an event.
    WaitForEvent {
        step: Reported,
        event: String,
        /// The text and what it compiles to, or why it does not.
        condition: Option<(String, Result<Condition, String>)>,
        until: Timestamp,
    },
    /// Wait for a signal.
    WaitForSignal {
        step: Reported,
        signal: String,
        until: Timestamp,
        /// Whether to take over from a run that waits for the same.
        replace: bool,
    },
    /// Run another function.
    Invoke {
        step: Reported,
        function: String,
        /// The event to run it with, an object.
        payload: Value,
        until: Timestamp,
    },
    /// Make an HTTP request.
    Request {
        step: Reported,
        request: Request,
    },
    /// Call again from the top; the id makes a repeat harmless.
    Discovery {
        id: String,
    },
    /// The call found nothing to do.
    Nothing,
    /// The run is done.
    Complete {
        data: Box<RawValue>,
    },
    /// Something that never fails a run and that this engine leaves undone.
    Dropped {
        name: String,
    },
}

/// Reads the body of a 206: an array of ops, or one. An op without an id that says nothing counts as no op.
pub(crate) fn parse_all(body: &[u8], now: Timestamp) -> Result<Vec<Op>, String> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let malformed = |error: serde_json::Error| format!("the ops of a 206 cannot be read: {error}");
    let wires: Vec<Wire> = if first == Some(&b'[') {
        serde_json::from_slice(body).map_err(malformed)?
    } else {
        vec![serde_json::from_slice(body).map_err(malformed)?]
    };
    if wires.len() > MOST_OPS {
        return Err(format!("a 206 reports {} ops, more than {MOST_OPS}", wires.len()));
    }
    let ops = wires.into_iter().filter(|wire| !wire.is_empty());
    ops.map(|wire| wire.check(now)).collect()
}

/// Reads one op of a checkpoint.
pub(crate) fn parse_one(op: &RawValue, now: Timestamp) -> Result<Op, String> {
    let wire: Wire = serde_json::from_str(op.get())
        .map_err(|error| format!("an op of a checkpoint cannot be read: {error}"))?;
    wire.check(now)
}

impl Op {
    /// Its name on the wire.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::StepRun { .. } => "StepRun",
            Self::StepError { .. } => "StepError",
            Self::StepFailed { .. } => "StepFailed",
            Self::StepPlanned { .. } => "StepPlanned",
            Self::Sleep { .. } => "Sleep",
            Self::WaitForEvent { .. } => "WaitForEvent",
            Self::WaitForSignal { .. } => "WaitForSignal",
            Self::Invoke { .. } => "InvokeFunction",
            Self::Request { .. } => "Gateway",
            Self::Discovery { .. } => "DiscoveryRequest",
            Self::Nothing => "None",
            Self::Complete { .. } => "RunComplete",
            Self::Dropped { name } => name,
        }
    }

    /// The step it is about.
    pub(crate) fn step(&self) -> Option<&Reported> {
        match self {
            Self::StepRun { step, .. }
            | Self::StepError { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepPlanned { step }
            | Self::Sleep { step, .. }
            | Self::WaitForEvent { step, .. }
            | Self::WaitForSignal { step, .. }
            | Self::Invoke { step, .. }
            | Self::Request { step, .. } => Some(step),
            Self::Discovery { .. }
            | Self::Nothing
            | Self::Complete { .. }
            | Self::Dropped { .. } => None,
        }
    }

    /// The step it begins, which ends by itself or by a later call.
    pub(crate) fn begins(&self) -> Option<StepId> {
        match self {
            Self::StepPlanned { step }
            | Self::Sleep { step, .. }
            | Self::WaitForEvent { step, .. }
            | Self::WaitForSignal { step, .. }
            | Self::Invoke { step, .. } => Some(step.id),
            _ => None,
        }
    }

    /// Whether it rides along and counts for nothing else: the other ops of the reply decide how the run goes on.
    pub(crate) fn is_lazy(&self) -> bool {
        matches!(self, Self::Dropped { .. })
    }
}

/// A stored error as an object to show.
pub(crate) fn shown(error: &RawValue) -> ErrorObject {
    ErrorObject::parse(error.get())
}

pub(crate) fn null() -> Box<RawValue> {
    RawValue::from_string("null".to_owned()).expect("null is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa";

    fn parse(body: &str) -> Result<Vec<Op>, String> {
        parse_all(body.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn ops_are_read() {
        let body = format!(
            r#"[{{"op":"StepRun","id":"{ID}","displayName":"a","data":{{"x":1}},"timing":{{"a":1,"b":41000000}},
               "opts":{{"parallelMode":"race"}}}},
               {{"op":"stepplanned","id":"{ID}","name":"n"}},
               {{"op":"Sleep","id":"{ID}","name":"1m","data":null}},
               {{"op":"Sleep","id":"{ID}","name":"x","opts":{{"duration":"2m"}}}},
               {{"op":"None","id":"x"}},{{"op":"None"}}]"#
        );
        let ops = parse(&body).expect("ops");
        assert_eq!(ops.len(), 5);
        let Op::StepRun { step, data, took } = &ops[0] else { panic!("{:?}", ops[0]) };
        assert_eq!((step.name.as_str(), step.race, data.get()), ("a", true, r#"{"x":1}"#));
        assert_eq!(*took, Some(Duration::from_millis(41)));
        let Op::StepPlanned { step } = &ops[1] else { panic!("{:?}", ops[1]) };
        assert_eq!(step.name, "n");
        for (op, seconds) in [(&ops[2], 60), (&ops[3], 120)] {
            let Op::Sleep { until, .. } = op else { panic!("{op:?}") };
            assert_eq!(until.as_second(), seconds);
        }
        assert_eq!(parse("[]").expect("none").len(), 0);
        assert_eq!(parse(&format!(r#"{{"op":"StepPlanned","id":"{ID}"}}"#)).expect("one").len(), 1);
    }

    #[test]
    fn waits_are_read() {
        let body = format!(
            r#"[{{"op":"WaitForEvent","id":"{ID}","name":"a/b","opts":{{"timeout":"1m","if":"1 +","parallelMode":"race"}}}},
               {{"op":"WaitForEvent","id":"{ID}","name":"label","opts":{{"event":"c/d"}}}},
               {{"op":"WaitForSignal","id":"{ID}","name":"label","opts":{{"signal":"s","timeout":"1h","conflict":"replace",
                 "parallelMode":"race"}}}},
               {{"op":"InvokeFunction","id":"{ID}","displayName":"call","opts":{{"function_id":"app-g","payload":{{}}}}}},
               {{"op":"DeferAdd","id":"x"}}]"#
        );
        let ops = parse(&body).expect("ops");
        let Op::WaitForEvent { step, event, condition, until } = &ops[0] else { panic!("{ops:?}") };
        assert_eq!((event.as_str(), until.as_second(), step.race), ("a/b", 60, false));
        assert!(
            condition.as_ref().is_some_and(|(text, compiled)| text == "1 +" && compiled.is_err())
        );
        let Op::WaitForEvent { event, until, .. } = &ops[1] else { panic!("{ops:?}") };
        assert_eq!((event.as_str(), until.as_second()), ("c/d", 0), "no timeout: over at once");
        let Op::WaitForSignal { step, signal, replace, .. } = &ops[2] else { panic!("{ops:?}") };
        assert_eq!((signal.as_str(), *replace, step.race), ("s", true, true));
        let Op::Invoke { function, until, .. } = &ops[3] else { panic!("{ops:?}") };
        assert_eq!((function.as_str(), until.as_second()), ("app-g", 31_536_000));
        assert!(ops[4].is_lazy());
    }

    #[test]
    fn errors_keep_what_the_real_server_keeps() {
        for (told, kept) in [
            (r#"{"message":"m","name":"E","__serialized":true}"#, r#"{"message":"m","name":"E"}"#),
            (
                r#"{"stack":"here","cause":{"a":1},"data":null}"#,
                r#"{"cause":{"a":1},"message":"","name":"Error","stack":"here"}"#,
            ),
        ] {
            let ops = parse(&format!(r#"{{"op":"StepFailed","id":"{ID}","error":{told}}}"#));
            let Some(Op::StepFailed { error, .. }) = ops.expect("ops").pop() else {
                panic!("{told}")
            };
            assert_eq!(error.get(), kept);
        }
    }

    #[test]
    fn what_cannot_be_acted_on_is_refused() {
        let op = |name: &str, rest: &str| format!(r#"[{{"op":"{name}","id":"{ID}"{rest}}}]"#);
        for (body, says) in [
            (String::new(), "cannot be read"),
            ("[null]".to_owned(), "cannot be read"),
            (op("StepNotFound", ""), "there is no op"),
            (op("Step", ""), "does not support the op Step"),
            (op("SyncRunComplete", ""), "does not support the op SyncRunComplete"),
            (
                op("WaitForEvent", r#","displayName":"wait""#),
                "wait waits for an event without a name",
            ),
            (
                op("WaitForEvent", r#","name":"a/b","opts":{"timeout":"soon"}"#),
                "neither a duration nor a date",
            ),
            (op("WaitForSignal", ""), "without a name"),
            (op("InvokeFunction", r#","opts":{"payload":{}}"#), "names no function"),
            (op("InvokeFunction", r#","opts":{"function_id":"app-f"}"#), "no payload"),
            (op("Gateway", r#","opts":{"url":"nowhere"}"#), "is no URL"),
            (op("AIGateway", r#","opts":{"url":"file:///etc"}"#), "is no URL"),
            (op("Sleep", r#","name":"soon""#), "neither a duration nor a date"),
            (op("StepError", ""), "no error object"),
            (r#"[{"op":"StepRun","id":"x"}]"#.to_owned(), "40 hexadecimal digits"),
        ] {
            let error = parse(&body).expect_err(says);
            assert!(error.contains(says), "{error}");
        }
    }
}
