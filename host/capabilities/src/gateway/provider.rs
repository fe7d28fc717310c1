//! The functions of `wit/gateway.wit`.

use std::sync::Arc;

use runtime::CallState;
use runtime::capability::{Interface, Offer};
use runtime::placement::Capability;

use super::call::message;
use super::grant::Channel;
use super::message::{ALERT, PROGRESS};
use super::payload::Payload;
use super::push::{Reached, push};
use crate::bindings::system_bus::durable::gateway::Pushed;
use crate::redis::Shared;

/// Unless the operator says otherwise.
const NAMESPACE: &str = "joelclaw";

/// The most bytes that one call may tell.
const LONGEST: usize = 256 * 1024;

/// The longest type of what is told, in bytes.
const LONGEST_KIND: usize = 128;

/// What is told beside the type, or why it cannot be.
type Told = Result<Payload, String>;

/// Telling people, through the operator's Redis server.
#[derive(Debug, Clone)]
pub struct Provider {
    namespace: Arc<str>,
    server: Option<Arc<Shared>>,
}

impl Provider {
    /// A provider that pushes to this server. Without one, every push is lost, and recorded as lost.
    pub fn new(channel: &Channel, server: Option<Arc<Shared>>) -> Self {
        Self { namespace: channel.namespace.as_deref().unwrap_or(NAMESPACE).into(), server }
    }

    async fn tell(
        &self,
        state: &mut CallState,
        kind: &str,
        payload: Told,
    ) -> wasmtime::Result<Pushed> {
        let payload = match payload {
            Ok(payload) => payload,
            Err(problem) => return Ok(lost(state, pushed(kind), problem)),
        };
        let (message, session) = message(state, kind, payload)?;
        let answer = Pushed {
            event_id: Some(message.id.clone()),
            origin_session: session.clone().filter(|_| kind != ALERT),
            ..pushed(kind)
        };
        let Some(server) = self.server.as_deref() else {
            let problem = "this worker knows no Redis server: its operator writes `[redis]` with `url` into the grants";
            return Ok(lost(state, answer, problem.to_owned()));
        };
        let left = state.time_left();
        Ok(match push(server, left, &self.namespace, &message, session.as_deref()).await {
            Ok(Reached::Lists) => Pushed { pushed: true, ..answer },
            Ok(Reached::Queue) => Pushed { queued: true, ..answer },
            Err(failed) => lost(state, answer, failed.refusal().message),
        })
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Gateway
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let mut gateway = offer.interface("system-bus:durable/gateway")?;
        self.function(&mut gateway, "progress", |message, extra| {
            (PROGRESS.to_owned(), with_message(&message, &extra))
        })?;
        self.function(&mut gateway, "notify", |kind, payload| {
            if kind.len() > LONGEST_KIND || kind.contains(char::is_control) {
                let problem = format!(
                    "the type of what is told has at most {LONGEST_KIND} bytes, and nothing but text"
                );
                return (String::new(), Err(problem));
            }
            (kind, object(&payload))
        })?;
        self.function(&mut gateway, "alert", |message, extra| {
            (ALERT.to_owned(), with_message(&message, &extra))
        })
    }
}

impl Provider {
    fn function(
        &self,
        gateway: &mut Interface<'_>,
        name: &str,
        read: fn(String, String) -> (String, Told),
    ) -> wasmtime::Result<()> {
        let provider = self.clone();
        gateway.function(name, move |state, (first, second): (String, String)| {
            let provider = provider.clone();
            Box::pin(async move {
                let (kind, payload) = read(first, second);
                Ok((provider.tell(state, &kind, payload).await?,))
            })
        })
    }
}

/// The answer for something of this type that has not been told yet.
fn pushed(kind: &str) -> Pushed {
    Pushed {
        pushed: false,
        queued: false,
        event_id: None,
        kind: kind.to_owned(),
        origin_session: None,
        error: None,
    }
}

/// The answer for what nobody hears of, which is recorded and counted.
fn lost(state: &CallState, answer: Pushed, problem: String) -> Pushed {
    state.lost(Capability::Gateway);
    if let Ok(caller) = state.caller()
        && caller.may_record()
    {
        tracing::warn!(
            target: "telemetry",
            component = &*caller.component,
            function = %caller.function,
            run = %caller.run,
            step = state.step().map(|step| step.name),
            action = "gateway.push",
            success = false,
            kind = caller.shown(&answer.kind),
            event_id = answer.event_id,
            error = caller.shown(&problem),
            "lost: it could not be told"
        );
    }
    Pushed { error: Some(problem), ..answer }
}

/// A payload of a text and what else there is. The text stands first, and `extra` may replace it.
fn with_message(message: &str, extra: &str) -> Told {
    if message.len() > LONGEST {
        return Err(too_long(message.len()));
    }
    Ok(Payload::default().with_text("message", message).and(object(extra)?))
}

/// An object of JSON; none at all is an empty one.
fn object(json: &str) -> Told {
    if json.len() > LONGEST {
        return Err(too_long(json.len()));
    }
    Payload::parse(json).map_err(|error| format!("what was to be told is no JSON object: {error}"))
}

fn too_long(bytes: usize) -> String {
    format!(
        "{bytes} bytes are too many to be told: {LONGEST} is the most, so tell where to find it"
    )
}
