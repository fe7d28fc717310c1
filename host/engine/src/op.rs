//! Ops as a worker reports them in a 206.

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StepId;
use protocol::op::ErrorObject;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::duration;
use crate::event::canonical;

/// The most ops one reply may carry.
const MOST_OPS: usize = 1_000;
/// The largest result of a step.
const LARGEST_OUTPUT: usize = 4 * 1024 * 1024;

/// A step as a reply names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    pub(crate) id: StepId,
    /// What people call it.
    pub(crate) name: String,
    /// Whether its end lifts the barrier of the batch it belongs to.
    pub(crate) race: bool,
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
}

#[derive(Deserialize)]
struct Wire {
    op: String,
    #[serde(default)]
    id: String,
    name: Option<String>,
    #[serde(rename = "displayName")]
    display: Option<String>,
    #[serde(default)]
    opts: Value,
    data: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
    #[serde(default)]
    timing: Value,
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
    let ops = wires.into_iter().filter(|wire| !(wire.id.is_empty() && is(wire, "None")));
    ops.map(|wire| wire.check(now)).collect()
}

fn is(wire: &Wire, name: &str) -> bool {
    wire.op.eq_ignore_ascii_case(name)
}

impl Wire {
    fn check(self, now: Timestamp) -> Result<Op, String> {
        let name = self.op.to_ascii_lowercase();
        match name.as_str() {
            "none" => Ok(Op::Nothing),
            "discoveryrequest" => Ok(Op::Discovery { id: self.id }),
            "runcomplete" => Ok(Op::Complete { data: self.data.unwrap_or_else(null) }),
            "steprun" => {
                let took = self.timing["b"].as_u64().map(Duration::from_nanos);
                let step = self.step()?;
                let data = small(self.data.unwrap_or_else(null), &step)?;
                Ok(Op::StepRun { step, data, took })
            }
            "steperror" => Ok(Op::StepError { step: self.step()?, error: self.failure()? }),
            "stepfailed" => Ok(Op::StepFailed { step: self.step()?, error: self.failure()? }),
            "stepplanned" => Ok(Op::StepPlanned { step: self.step()? }),
            "sleep" => {
                let asked = self.opts["duration"].as_str().filter(|text| !text.is_empty());
                let text = asked.or(self.name.as_deref()).unwrap_or_default();
                let until = duration::wake(text, now).ok_or_else(|| {
                    format!(
                        "the sleep {} lasts {text:?}, which is neither a duration nor a date",
                        self.label()
                    )
                })?;
                Ok(Op::Sleep { step: self.step()?, until: until.max(now) })
            }
            "step" | "waitforevent" | "invokefunction" | "aigateway" | "gateway"
            | "waitforsignal" | "syncruncomplete" | "deferadd" | "deferabort" => Err(format!(
                "the development engine does not support the op {} yet (step {}); use a real Inngest server for it",
                self.op,
                self.label()
            )),
            _ => Err(format!("there is no op {:?}", self.op)),
        }
    }

    fn label(&self) -> &str {
        self.display.as_deref().or(self.name.as_deref()).unwrap_or(&self.id)
    }

    fn step(&self) -> Result<Reported, String> {
        let id = self.id.parse().map_err(|error| format!("the op {}: {error}", self.op))?;
        let race = self.opts["parallelMode"] == "race";
        Ok(Reported { id, name: self.label().to_owned(), race })
    }

    /// The error, reduced to the members that the real server keeps.
    fn failure(&self) -> Result<Box<RawValue>, String> {
        const KEPT: [&str; 6] = ["name", "message", "stack", "cause", "data", "noRetry"];
        let told = self.error.as_deref().and_then(|error| serde_json::from_str(error.get()).ok());
        let Some(Value::Object(mut members)) = told else {
            let label = self.label();
            return Err(format!("the op {} of step {label} carries no error object", self.op));
        };
        members.retain(|key, value| KEPT.contains(&key.as_str()) && !value.is_null());
        members.entry("name").or_insert_with(|| "Error".into());
        members.entry("message").or_insert_with(|| "".into());
        Ok(canonical(&Value::Object(members)))
    }
}

/// A stored error as an object to show.
pub(crate) fn shown(error: &RawValue) -> ErrorObject {
    ErrorObject::parse(error.get())
}

pub(crate) fn null() -> Box<RawValue> {
    RawValue::from_string("null".to_owned()).expect("null is JSON")
}

fn small(data: Box<RawValue>, step: &Reported) -> Result<Box<RawValue>, String> {
    if data.get().len() > LARGEST_OUTPUT {
        return Err(format!(
            "the result of step {} is larger than 4 MiB; store it elsewhere and return where",
            step.name
        ));
    }
    Ok(data)
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
            (
                op("WaitForEvent", r#","displayName":"wait""#),
                "does not support the op WaitForEvent yet (step wait)",
            ),
            (op("Sleep", r#","name":"soon""#), "neither a duration nor a date"),
            (op("StepError", ""), "no error object"),
            (r#"[{"op":"StepRun","id":"x"}]"#.to_owned(), "40 hexadecimal digits"),
        ] {
            let error = parse(&body).expect_err(says);
            assert!(error.contains(says), "{error}");
        }
    }
}
