//! The step with a body.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures::future::FusedFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::executor::{encode, run_body};
use crate::io::Io;
use crate::replay::{Replay, Turn};
use crate::step::{Ticket, decode};

/// A step with a body, as [`Ctx::step`](crate::Ctx::step) makes it.
#[must_use = "a step does nothing until it is awaited"]
pub struct Run<T, F> {
    ticket: Ticket,
    body: Option<F>,
    result: PhantomData<fn() -> T>,
}

impl<T, F> Run<T, F> {
    pub(crate) fn new(replay: &Rc<Replay>, id: &'static str, body: F) -> Self {
        Self { ticket: Ticket::new(replay, id), body: Some(body), result: PhantomData }
    }

    /// Makes the step one of many: its identity is the id and this key. To be given wherever one
    /// piece of code runs the step more than once, and to be taken from the data, not from a
    /// counter, so that it means the same after a change of the list.
    pub fn key(mut self, key: impl Display) -> Self {
        self.ticket.key(key);
        self
    }

    /// The id that the step had before it was renamed. A run that has its result under that id goes
    /// on with it in place of running the body again.
    ///
    /// A literal, and no other step's id. A key belongs to both. Take it out when no run is left
    /// that began before the renaming.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// # async fn example(ctx: Ctx) -> Result<u32> {
    /// ctx.step("charge-card", async |_io| Ok(7)).alias("charge").await
    /// # }
    /// ```
    pub fn alias(mut self, id: &'static str) -> Self {
        self.ticket.alias(id);
        self
    }
}

// The body is moved out before its future is made and pinned; nothing in here is ever pinned.
impl<T, F> Unpin for Run<T, F> {}

impl<T, F> Future for Run<T, F>
where
    F: AsyncFnOnce(Io) -> Result<T>,
    T: Serialize + DeserializeOwned,
{
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match ready!(this.ticket.poll(context, "run", || Ok(Cow::Borrowed(""))))? {
            Turn::Return(memo) => Poll::Ready(this.ticket.value(memo, decode)),
            Turn::Run(input) => {
                let body = this.body.take().expect("the host asks for a body once");
                let (replay, step) = (&this.ticket.replay, this.ticket.ordinal());
                let io = Io::new(replay, step, input);
                let id = io.step_id().to_owned();
                replay.begin(step);
                let outcome = run_body(&id, body(io));
                replay.finish(outcome.and_then(|value| encode(&value, "the result of a step")));
                // The host goes on with this call: the stored result comes as for any other step.
                Poll::Pending
            }
        }
    }
}

impl<T, F> FusedFuture for Run<T, F>
where
    F: AsyncFnOnce(Io) -> Result<T>,
    T: Serialize + DeserializeOwned,
{
    fn is_terminated(&self) -> bool {
        self.ticket.has_ended()
    }
}

impl<T, F> Debug for Run<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}
