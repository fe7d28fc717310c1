//! Ops: what an invocation reports to the server.

mod options;

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::options::{
    AiGateway, Gateway, InvokeFunction, Payload, Provider, Timeout, WaitForEvent, WaitForSignal,
};
use crate::id::StepId;
use crate::step::StepName;

/// An error as the server stores and shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorObject {
    /// Its class, such as `Error`.
    #[serde(default = "unnamed")]
    pub name: String,
    /// What happened.
    #[serde(default)]
    pub message: String,
    /// Where it happened, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// What caused it: any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<RawValue>>,
}

fn unnamed() -> String {
    "Error".to_owned()
}

impl ErrorObject {
    /// An error of a class with a message.
    pub fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), message: message.into(), stack: None, cause: None }
    }

    /// Reads an error that a guest or a server wrote; a text that is not such an object becomes the message.
    pub fn parse(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|_| Self::new("Error", json))
    }
}

/// What the server shall do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Try again after its own back-off, while attempts remain.
    Again,
    /// Try again after this long, while attempts remain.
    After(Duration),
    /// Never try again.
    Never,
}

/// When a body ran: its start, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// When it began.
    pub start: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// When a sleeping run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// This long from now.
    After(Duration),
    /// At this moment.
    At(Timestamp),
}

impl Wake {
    /// The text the server reads: a duration with a unit, or a date of RFC 3339.
    ///
    /// ```
    /// use std::time::Duration;
    /// use protocol::op::Wake;
    /// assert_eq!(Wake::After(Duration::from_secs(90)).to_string(), "90s");
    /// assert_eq!(Wake::After(Duration::from_millis(1500)).to_string(), "1500ms");
    /// ```
    fn text(self) -> String {
        match self {
            Self::After(duration) if duration.subsec_nanos() == 0 => {
                format!("{}s", duration.as_secs())
            }
            // Rounded up: a sleep of less than a millisecond must not become none at all.
            Self::After(duration) => format!("{}ms", duration.as_nanos().div_ceil(1_000_000)),
            Self::At(moment) => moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        }
    }
}

impl std::fmt::Display for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// One thing an invocation reports about one step.
#[derive(Debug, Clone)]
pub struct Op {
    /// Which step.
    pub step: StepName,
    /// What about it.
    pub code: OpCode,
    /// Whether the server is to wake the function as soon as this op has ended, rather than when all that were
    /// reported beside it have. `opts.parallelMode` on the wire.
    pub race: bool,
}

/// What an op says.
#[derive(Debug, Clone)]
pub enum OpCode {
    /// The body ran and succeeded, with this result as JSON.
    StepRun {
        /// The result.
        data: Box<RawValue>,
        /// When the body ran.
        timing: Option<Timing>,
    },
    /// The body failed and may be tried again.
    StepError {
        /// The failure.
        error: ErrorObject,
        /// When the body ran.
        timing: Option<Timing>,
    },
    /// The body failed for good.
    StepFailed {
        /// The failure.
        error: ErrorObject,
        /// When the body ran.
        timing: Option<Timing>,
    },
    /// The step wants to run; the server shall call back for it.
    StepPlanned,
    /// The run sleeps.
    Sleep(Wake),
    /// The run waits for an event.
    WaitForEvent(WaitForEvent),
    /// The run waits for a signal.
    WaitForSignal(WaitForSignal),
    /// The server runs another function.
    InvokeFunction(InvokeFunction),
    /// The server makes an HTTP request.
    Gateway(Gateway),
    /// The server asks a model.
    AiGateway(AiGateway),
    /// The server calls again, from the top; costs no attempt. The step of such an op is not a step: its id must be
    /// different each time, or the server takes it for one it has served.
    DiscoveryRequest,
    /// Nothing at all; it only makes two ops of one.
    Nothing,
}

impl OpCode {
    /// The op's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StepRun { .. } => "StepRun",
            Self::StepError { .. } => "StepError",
            Self::StepFailed { .. } => "StepFailed",
            Self::StepPlanned => "StepPlanned",
            Self::Sleep(_) => "Sleep",
            Self::WaitForEvent(_) => "WaitForEvent",
            Self::WaitForSignal(_) => "WaitForSignal",
            Self::InvokeFunction(_) => "InvokeFunction",
            Self::Gateway(_) => "Gateway",
            Self::AiGateway(_) => "AIGateway",
            Self::DiscoveryRequest => "DiscoveryRequest",
            Self::Nothing => "None",
        }
    }
}

#[derive(Serialize)]
struct Userland<'s> {
    id: &'s str,
    #[serde(skip_serializing_if = "is_first")]
    index: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_first(index: &u32) -> bool {
    *index == 0
}

#[derive(Serialize)]
struct WireTiming {
    a: i128,
    b: u128,
}

impl Op {
    /// Asks the server to call again from the top. `unique` must not have been used before in this run.
    pub fn discovery_request(unique: &str) -> Self {
        let name = format!("discovery-request-{unique}");
        let step = StepName { id: StepId::hash(&name), name, index: 0 };
        Self { step, code: OpCode::DiscoveryRequest, race: false }
    }

    /// What stands under `name`: the moment a sleep ends, or else the step's name.
    fn wire_name(&self) -> Cow<'_, str> {
        match &self.code {
            OpCode::Sleep(wake) => wake.text().into(),
            OpCode::WaitForSignal(wait) => wait.signal.as_str().into(),
            _ => self.step.name.as_str().into(),
        }
    }

    fn opts(&self) -> Option<Opts<'_>> {
        let of = match &self.code {
            OpCode::WaitForEvent(options) => OptsOf::WaitForEvent(options),
            OpCode::WaitForSignal(options) => OptsOf::WaitForSignal(options),
            OpCode::InvokeFunction(options) => OptsOf::InvokeFunction(options),
            OpCode::Gateway(options) => OptsOf::Gateway(options),
            OpCode::AiGateway(options) => OptsOf::AiGateway(options),
            _ => OptsOf::Nothing {},
        };
        let parallel_mode = self.race.then_some("race");
        match of {
            OptsOf::Nothing {} if !self.race => None,
            of => Some(Opts { of, parallel_mode }),
        }
    }
}

#[derive(Serialize)]
struct Opts<'o> {
    #[serde(flatten)]
    of: OptsOf<'o>,
    #[serde(rename = "parallelMode", skip_serializing_if = "Option::is_none")]
    parallel_mode: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OptsOf<'o> {
    WaitForEvent(&'o WaitForEvent),
    WaitForSignal(&'o WaitForSignal),
    InvokeFunction(&'o InvokeFunction),
    Gateway(&'o Gateway),
    AiGateway(&'o AiGateway),
    Nothing {},
}

impl Serialize for Op {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let StepName { id, name, index } = &self.step;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("op", self.code.name())?;
        map.serialize_entry::<_, StepId>("id", id)?;
        map.serialize_entry("displayName", name)?;
        map.serialize_entry("userland", &Userland { id: name, index: *index })?;
        map.serialize_entry("name", &self.wire_name())?;
        if let Some(opts) = self.opts() {
            map.serialize_entry("opts", &opts)?;
        }
        let timing = match &self.code {
            OpCode::StepRun { data, timing } => {
                map.serialize_entry("data", data)?;
                timing
            }
            OpCode::StepError { error, timing } | OpCode::StepFailed { error, timing } => {
                map.serialize_entry("error", error)?;
                map.serialize_entry("data", &())?;
                timing
            }
            _ => {
                map.serialize_entry("data", &())?;
                &None
            }
        };
        if let Some(Timing { start, took }) = timing {
            map.serialize_entry(
                "timing",
                &WireTiming { a: start.as_nanosecond(), b: took.as_nanos() },
            )?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::StepNames;

    fn wire(name: &str, code: OpCode) -> String {
        let (id, index) = StepNames::default().identify(name);
        let step = StepName { id, name: name.to_owned(), index };
        serde_json::to_string(&Op { step, code, race: false }).expect("JSON")
    }

    #[test]
    fn ops_have_the_form_the_server_reads() {
        let id = StepId::hash("z");
        let envelope = |op: &str, rest: &str| {
            format!(
                r#"{{"op":"{op}","id":"{id}","displayName":"z","userland":{{"id":"z"}},{rest}}}"#
            )
        };
        let data = RawValue::from_string("[1]".to_owned()).expect("JSON");
        let timing = Some(Timing {
            start: Timestamp::from_millisecond(1_795_347_640_684).expect("a time"),
            took: Duration::from_micros(41),
        });
        let error = || ErrorObject::new("TypeError", "kaboom");
        for (code, op, rest) in [
            (
                OpCode::StepRun { data, timing },
                "StepRun",
                r#""name":"z","data":[1],"timing":{"a":1795347640684000000,"b":41000}"#,
            ),
            (
                OpCode::StepError { error: error(), timing: None },
                "StepError",
                r#""name":"z","error":{"name":"TypeError","message":"kaboom"},"data":null"#,
            ),
            (
                OpCode::StepFailed { error: error(), timing: None },
                "StepFailed",
                r#""name":"z","error":{"name":"TypeError","message":"kaboom"},"data":null"#,
            ),
            (OpCode::StepPlanned, "StepPlanned", r#""name":"z","data":null"#),
            (
                OpCode::Sleep(Wake::After(Duration::from_secs(1))),
                "Sleep",
                r#""name":"1s","data":null"#,
            ),
        ] {
            assert_eq!(wire("z", code), envelope(op, rest));
        }
    }

    #[test]
    fn a_repeat_shows_its_index() {
        let mut names = StepNames::default();
        names.identify("same");
        let (id, index) = names.identify("same");
        let step = StepName { id, name: "same".to_owned(), index };
        let op = Op { step, code: OpCode::StepPlanned, race: false };
        let json = serde_json::to_string(&op).expect("JSON");
        assert!(json.contains(r#""userland":{"id":"same","index":1}"#), "{json}");
    }

    #[test]
    fn times_are_written_so_that_the_server_reads_them() {
        let at = |text: &str| Wake::At(text.parse().expect("a time")).to_string();
        assert_eq!(at("2026-11-22T11:40:43.031Z"), "2026-11-22T11:40:43.031Z");
        assert_eq!(at("2026-11-22T11:40:43Z"), "2026-11-22T11:40:43.000Z");
        assert_eq!(Wake::After(Duration::from_nanos(1)).to_string(), "1ms");
        assert_eq!(Wake::After(Duration::ZERO).to_string(), "0s");
    }

    #[test]
    fn errors_are_read_whatever_they_are() {
        let error = ErrorObject::parse(
            r#"{"name":"N","message":"m","stack":"s","cause":{"a":1},"extra":true}"#,
        );
        assert_eq!(
            (error.name.as_str(), error.message.as_str(), error.stack.as_deref()),
            ("N", "m", Some("s"))
        );
        assert_eq!(error.cause.expect("a cause").get(), r#"{"a":1}"#);
        assert_eq!(ErrorObject::parse("plain words").message, "plain words");
        assert_eq!(ErrorObject::parse("{}").name, "Error");
    }
}
