//! Options of steps, as guests write them (`docs/guests.md`), into ops and tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kind::{Kind, KindError};
use crate::directory::Directory;
use crate::event::NewEvent;
use crate::id::{AppId, FunctionId, IdError};
use crate::op::{
    AiGateway, Gateway, InvokeFunction, OpCode, Payload, Provider, Timeout, WaitForEvent,
    WaitForSignal, Wake,
};
use crate::step::StepName;

/// A step that the host itself is to carry out.
#[derive(Debug)]
pub struct Sending {
    /// The step.
    pub step: StepName,
    /// What is sent.
    pub what: Message,
}

/// What a host sends for a guest.
#[derive(Debug, Clone)]
pub enum Message {
    /// Events, checked, in one request.
    Events(Vec<NewEvent>),
    /// A signal.
    Signal {
        /// Its name.
        signal: String,
        /// What it carries: any JSON.
        data: Box<RawValue>,
    },
}

#[derive(Deserialize)]
struct Events<'o> {
    #[serde(borrow)]
    events: &'o RawValue,
}

#[derive(Deserialize)]
struct Signal {
    signal: String,
    data: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct For {
    milliseconds: u64,
}

#[derive(Deserialize)]
struct Until {
    until: Timestamp,
}

#[derive(Deserialize)]
struct EventWait {
    event: String,
    milliseconds: u64,
    r#if: Option<String>,
}

#[derive(Deserialize)]
struct SignalWait {
    signal: String,
    milliseconds: u64,
    #[serde(default)]
    replace: bool,
}

#[derive(Deserialize)]
struct Invoke {
    function: String,
    app: Option<String>,
    data: Option<Box<RawValue>>,
    milliseconds: Option<u64>,
}

#[derive(Deserialize)]
struct Fetch {
    url: String,
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

#[derive(Deserialize)]
struct Infer {
    url: String,
    #[serde(default)]
    format: Provider,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    auth_key: String,
    body: Box<RawValue>,
}

impl Message {
    /// What a step of this kind sends.
    pub(super) fn parse(kind: Kind, options: &str) -> Result<Self, KindError> {
        if kind == Kind::SendSignal {
            let Signal { signal, data } = read(options)?;
            return Ok(Self::Signal {
                signal: named("signal", signal)?,
                data: data.unwrap_or_default(),
            });
        }
        let Events { events } = read(options)?;
        NewEvent::parse_all(events.get().as_bytes())
            .map(Self::Events)
            .map_err(|error| KindError::Options(error.to_string()))
    }
}

#[derive(Deserialize)]
struct Former {
    alias: Option<String>,
}

/// The id that a step had before, from the options of any kind.
pub(super) fn alias(options: &str) -> Result<Option<String>, KindError> {
    // Few steps have one, and options are read for what is new only.
    if !options.contains("\"alias\"") {
        return Ok(None);
    }
    let Former { alias } = read(options)?;
    alias.map(|alias| named("alias", alias)).transpose()
}

/// The op with which a new step of this kind is reported. `edited` is its input as an operator edited it.
pub(super) fn op(
    kind: Kind,
    options: &str,
    edited: Option<&str>,
    directory: &Directory,
) -> Result<OpCode, KindError> {
    Ok(match kind {
        Kind::Run => OpCode::StepPlanned,
        Kind::SendEvent | Kind::SendSignal => {
            // What is faulty is reported now, not after a round trip.
            Message::parse(kind, options)?;
            OpCode::StepPlanned
        }
        Kind::Sleep => {
            let duration = Duration::from_millis(read::<For>(options)?.milliseconds);
            if duration > Timeout::LONGEST {
                return Err(KindError::TooLong);
            }
            OpCode::Sleep(Wake::After(duration))
        }
        Kind::SleepUntil => OpCode::Sleep(Wake::At(read::<Until>(options)?.until)),
        Kind::WaitForEvent => {
            let EventWait { event, milliseconds, r#if } = read(options)?;
            let event = named("event", event)?;
            OpCode::WaitForEvent(WaitForEvent {
                event,
                timeout: timeout(milliseconds)?,
                condition: r#if,
            })
        }
        Kind::WaitForSignal => {
            let SignalWait { signal, milliseconds, replace } = read(options)?;
            let signal = named("signal", signal)?;
            OpCode::WaitForSignal(WaitForSignal {
                signal,
                timeout: timeout(milliseconds)?,
                replace,
            })
        }
        Kind::Invoke => {
            let Invoke { function, app, data, milliseconds } = read(options)?;
            let fault = |error: IdError| KindError::Options(error.to_string());
            let function = function.parse::<FunctionId>().map_err(fault)?;
            let slug = match app {
                Some(app) => app.parse::<AppId>().map_err(fault)?.slug(&function),
                None => directory.slug(&function),
            };
            let timeout = milliseconds.map(timeout).transpose()?;
            OpCode::InvokeFunction(InvokeFunction {
                slug,
                payload: Payload { data: object(data)? },
                timeout,
            })
        }
        Kind::Fetch => {
            let Fetch { url, method, headers, body } = read(options)?;
            let (url, method) = (address(url)?, named("method", method)?);
            OpCode::Gateway(Gateway { url, method, headers, body })
        }
        Kind::Infer => {
            let Infer { url, format, headers, auth_key, body } = read(options)?;
            let body = match edited {
                Some(edited) => merged(&body, edited)?,
                None => body,
            };
            OpCode::AiGateway(AiGateway { url: address(url)?, headers, auth_key, format, body })
        }
    })
}

fn read<'o, T: Deserialize<'o>>(options: &'o str) -> Result<T, KindError> {
    serde_json::from_str(options).map_err(|error| KindError::Options(error.to_string()))
}

fn timeout(milliseconds: u64) -> Result<Timeout, KindError> {
    Timeout::new(Duration::from_millis(milliseconds)).ok_or(KindError::TooLong)
}

fn named(what: &str, text: String) -> Result<String, KindError> {
    if text.trim().is_empty() {
        return Err(KindError::Options(format!("{what} is empty")));
    }
    Ok(text)
}

fn address(text: String) -> Result<String, KindError> {
    let fits = url::Url::parse(&text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if fits {
        return Ok(text);
    }
    Err(KindError::Options(format!(
        "url {text:?} is not an address such as https://api.example/path"
    )))
}

/// The server wants an object, and fails on anything else without saying so.
fn object(data: Option<Box<RawValue>>) -> Result<Box<RawValue>, KindError> {
    let empty = || {
        RawValue::from_string("{}".to_owned())
            .map_err(|error| KindError::Options(error.to_string()))
    };
    match data {
        None => empty(),
        Some(data) if data.get().starts_with('{') => Ok(data),
        Some(data) if data.get() == "null" => empty(),
        Some(_) => Err(KindError::Options(
            "data is not a JSON object; functions are invoked with one, as with an event"
                .to_owned(),
        )),
    }
}

/// A request body with the members of an edited input's first argument in place of its own.
fn merged(body: &RawValue, edited: &str) -> Result<Box<RawValue>, KindError> {
    let fault = |error: serde_json::Error| KindError::Options(format!("its edited input: {error}"));
    let mut body: serde_json::Value = serde_json::from_str(body.get()).map_err(fault)?;
    let arguments: Vec<serde_json::Value> = serde_json::from_str(edited).map_err(fault)?;
    match (&mut body, arguments.into_iter().next()) {
        (serde_json::Value::Object(body), Some(serde_json::Value::Object(edited))) => {
            body.extend(edited);
        }
        (body, Some(edited)) => *body = edited,
        (_, None) => {}
    }
    serde_json::value::to_raw_value(&body).map_err(fault)
}
