//! The form of an op on the wire.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Op, Reported, null};
use crate::condition::Condition;
use crate::duration;
use crate::event::canonical;
use crate::request::Request;

/// The largest result of a step.
const LARGEST_OUTPUT: usize = 4 * 1024 * 1024;
/// How long an invoked function may take when the worker says nothing.
const INVOKED: Duration = Duration::from_hours(365 * 24);

#[derive(Deserialize)]
pub(super) struct Wire {
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

impl Wire {
    /// Whether it says nothing about nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.id.is_empty() && self.op.eq_ignore_ascii_case("None")
    }

    /// The op; or why the whole reply cannot be used.
    pub(super) fn check(self, now: Timestamp) -> Result<Op, String> {
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
                let text = self.option("duration").or(self.name.as_deref()).unwrap_or_default();
                let until = self.moment("sleep", text, now)?;
                Ok(Op::Sleep { step: self.step()?, until })
            }
            "waitforevent" => self.event(now),
            "waitforsignal" => self.signal(now),
            "invokefunction" => self.invoke(now),
            "gateway" => {
                Ok(Op::Request { step: self.step()?, request: self.request(Request::gateway)? })
            }
            "aigateway" => {
                Ok(Op::Request { step: self.step()?, request: self.request(Request::inference)? })
            }
            "deferadd" | "deferabort" => Ok(Op::Dropped { name: self.op }),
            "step" | "syncruncomplete" => Err(format!(
                "the development engine does not support the op {} (step {}); use a real Inngest server for it",
                self.op,
                self.label()
            )),
            _ => Err(format!("there is no op {:?}", self.op)),
        }
    }

    fn event(self, now: Timestamp) -> Result<Op, String> {
        let event = self.option("event").or(self.name.as_deref()).unwrap_or_default().to_owned();
        if event.is_empty() {
            let label = self.label();
            return Err(format!(
                "the step {label} waits for an event without a name; set opts.event"
            ));
        }
        let condition = self.option("if").map(|text| (text.to_owned(), Condition::compile(text)));
        let until = self.timeout(now)?;
        // Its end never lifts the barrier, wherever the worker asks for it; so does the real server.
        let step = Reported { race: false, ..self.step()? };
        Ok(Op::WaitForEvent { step, event, condition, until })
    }

    fn signal(self, now: Timestamp) -> Result<Op, String> {
        let Some(signal) = self.option("signal").map(str::to_owned) else {
            let label = self.label();
            return Err(format!(
                "the step {label} waits for a signal without a name; set opts.signal"
            ));
        };
        let replace = self.option("conflict") == Some("replace");
        Ok(Op::WaitForSignal { step: self.step()?, signal, until: self.timeout(now)?, replace })
    }

    fn invoke(self, now: Timestamp) -> Result<Op, String> {
        let label = self.label();
        let Some(function) = self.option("function_id").map(str::to_owned) else {
            return Err(format!("the invocation {label} names no function; set opts.function_id"));
        };
        let payload = self.opts["payload"].clone();
        if !payload.is_object() {
            // A real server loses the run here without a word.
            return Err(format!(
                "the invocation {label} has no payload, on which a real server lets the run hang; \
                 send at least {{\"data\":{{}}}} as opts.payload"
            ));
        }
        let until = match self.option("timeout") {
            Some(text) => self.moment("invocation", text, now)?,
            None => now.checked_add(INVOKED).unwrap_or(now),
        };
        Ok(Op::Invoke { step: self.step()?, function, payload, until })
    }

    fn request(
        &self,
        read: impl FnOnce(&Value) -> Result<Request, String>,
    ) -> Result<Request, String> {
        read(&self.opts).map_err(|problem| format!("the request {}: {problem}", self.label()))
    }

    /// A text among the options; an empty one counts as absent.
    fn option(&self, name: &str) -> Option<&str> {
        self.opts[name].as_str().filter(|text| !text.is_empty())
    }

    /// When a wait is over; one without a timeout is over now.
    fn timeout(&self, now: Timestamp) -> Result<Timestamp, String> {
        self.option("timeout").map_or(Ok(now), |text| self.moment("wait", text, now))
    }

    /// A moment that is given as a duration from now or as a date; one in the past is now.
    fn moment(&self, what: &str, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        let moment = duration::wake(text, now).ok_or_else(|| {
            let label = self.label();
            format!("the {what} {label} lasts {text:?}, which is neither a duration nor a date")
        })?;
        Ok(moment.max(now))
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

fn small(data: Box<RawValue>, step: &Reported) -> Result<Box<RawValue>, String> {
    if data.get().len() > LARGEST_OUTPUT {
        return Err(format!(
            "the result of step {} is larger than 4 MiB; store it elsewhere and return where",
            step.name
        ));
    }
    Ok(data)
}
