//! The step that sends events.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures::future::FusedFuture;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::{Outgoing, Wire};
use crate::executor::encode;
use crate::replay::Replay;
use crate::step::{Ticket, decode};

/// One event being sent, as [`Ctx::send`](crate::Ctx::send) makes it. Ends with the event's id.
#[must_use = "a step does nothing until it is awaited"]
#[derive(Debug)]
pub struct Send(SendAll);

impl Send {
    pub(crate) fn new(replay: &Rc<Replay>, id: &'static str, event: Outgoing) -> Self {
        Self(SendAll::new(replay, id, vec![event]))
    }

    /// Makes the step one of many; see [`Run::key`](crate::step::Run::key).
    pub fn key(mut self, key: impl Display) -> Self {
        self.0.ticket.key(key);
        self
    }
}

impl Future for Send {
    type Output = Result<String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ids = ready!(Pin::new(&mut self.0).poll(context))?;
        Poll::Ready(ids.into_iter().next().ok_or_else(|| {
            Error::stop("the host stored no id for the event it sent").named("MemoDecodeError")
        }))
    }
}

/// Events being sent together, as [`Ctx::send_all`](crate::Ctx::send_all) makes it. Ends with
/// their ids, in order.
#[must_use = "a step does nothing until it is awaited"]
pub struct SendAll {
    ticket: Ticket,
    events: Vec<Outgoing>,
}

impl SendAll {
    pub(crate) fn new(replay: &Rc<Replay>, id: &'static str, events: Vec<Outgoing>) -> Self {
        Self { ticket: Ticket::new(replay, id), events }
    }

    /// Makes the step one of many; see [`Run::key`](crate::step::Run::key).
    pub fn key(mut self, key: impl Display) -> Self {
        self.ticket.key(key);
        self
    }
}

impl Future for SendAll {
    type Output = Result<Vec<String>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { ticket, events } = &mut *self;
        let options = || {
            let events = events.iter().map(Outgoing::wire).collect::<Result<_>>()?;
            encode(&Options { events }, "an event").map(Cow::Owned)
        };
        let memo = ready!(ticket.poll_memo(context, "send-event", options))?;
        Poll::Ready(decode::<Sent>(memo).map(|sent| sent.ids))
    }
}

impl FusedFuture for Send {
    fn is_terminated(&self) -> bool {
        self.0.ticket.has_ended()
    }
}

impl FusedFuture for SendAll {
    fn is_terminated(&self) -> bool {
        self.ticket.has_ended()
    }
}

impl Debug for SendAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendAll").field("events", &self.events).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Options<'a> {
    events: Vec<Wire<'a>>,
}

#[derive(Deserialize)]
struct Sent {
    ids: Vec<String>,
}
