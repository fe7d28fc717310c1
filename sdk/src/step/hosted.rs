//! The steps that the host and the server do by themselves.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::FusedFuture;

use crate::error::{Error, Result};
use crate::replay::Replay;
use crate::step::Ticket;

/// The longest that the server lets anything wait.
pub(crate) const LONGEST: Duration = Duration::from_hours(366 * 24);

/// A step without a body; `K` is what the host is asked for. The methods of [`Ctx`](crate::Ctx)
/// make them.
#[must_use = "a step does nothing until it is awaited"]
pub struct Step<K> {
    ticket: Ticket,
    pub(crate) asked: K,
}

/// What a step without a body asks for: one of the types of this module.
pub trait Kind {
    /// What the step ends with.
    type Output;

    /// The kind as the host knows it.
    #[doc(hidden)]
    fn name(&self) -> &'static str;

    /// The options as JSON. An error ends the step before the host hears of it.
    #[doc(hidden)]
    fn options(&self) -> Result<Cow<'static, str>>;

    /// The value that the step's stored end stands for.
    #[doc(hidden)]
    fn end(&self, stored: std::result::Result<String, String>) -> Result<Self::Output>;
}

impl<K> Step<K> {
    pub(crate) fn new(replay: &Rc<Replay>, id: &'static str, asked: K) -> Self {
        Self { ticket: Ticket::new(replay, id), asked }
    }

    /// Makes the step one of many; see [`Run::key`](crate::step::Run::key).
    pub fn key(mut self, key: impl Display) -> Self {
        self.ticket.key(key);
        self
    }

    /// The id that the step had before; see [`Run::alias`](crate::step::Run::alias).
    pub fn alias(mut self, id: &'static str) -> Self {
        self.ticket.alias(id);
        self
    }
}

// Nothing in here is ever pinned.
impl<K> Unpin for Step<K> {}

impl<K: Kind> Future for Step<K> {
    type Output = Result<K::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { ticket, asked } = &mut *self;
        let stored = ready!(ticket.poll_memo(context, asked.name(), || asked.options()))?;
        Poll::Ready(ticket.value(stored, |stored| asked.end(stored)))
    }
}

impl<K: Kind> FusedFuture for Step<K> {
    fn is_terminated(&self) -> bool {
        self.ticket.has_ended()
    }
}

impl<K: Debug> Debug for Step<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Step").field(&self.asked).finish()
    }
}

/// Options that break a rule. No repetition of the function mends them.
pub(crate) fn invalid(problem: impl Display) -> Error {
    Error::stop(problem).named("InvalidOptions")
}

/// A time as the host counts it.
///
/// Fails where the server would refuse it.
pub(crate) fn milliseconds(time: Duration) -> Result<u64> {
    if time > LONGEST {
        return Err(invalid(format!(
            "a step waits for {} days: the server allows 366 at most",
            time.as_secs() / 86_400
        )));
    }
    Ok(u64::try_from(time.as_millis()).expect("366 days are few milliseconds"))
}
