//! The step that waits for a time to come.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::FusedFuture;
use jiff::Timestamp;

use crate::error::Result;
use crate::replay::Replay;
use crate::step::{Ticket, decode};

/// A wait, as [`Ctx::sleep`](crate::Ctx::sleep) and [`Ctx::sleep_until`](crate::Ctx::sleep_until)
/// make it. Nothing runs meanwhile, so it may last for months.
#[must_use = "a step does nothing until it is awaited"]
pub struct Sleep {
    ticket: Ticket,
    wake: Wake,
}

enum Wake {
    After(Duration),
    At(Timestamp),
}

impl Sleep {
    pub(crate) fn after(replay: &Rc<Replay>, id: &'static str, time: Duration) -> Self {
        Self { ticket: Ticket::new(replay, id), wake: Wake::After(time) }
    }

    pub(crate) fn until(replay: &Rc<Replay>, id: &'static str, time: Timestamp) -> Self {
        Self { ticket: Ticket::new(replay, id), wake: Wake::At(time) }
    }

    /// Makes the wait one of many; see [`Run::key`](crate::step::Run::key).
    pub fn key(mut self, key: impl Display) -> Self {
        self.ticket.key(key);
        self
    }
}

impl Future for Sleep {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { ticket, wake } = &mut *self;
        let kind = match wake {
            Wake::After(_) => "sleep",
            Wake::At(_) => "sleep-until",
        };
        let memo = ready!(ticket.poll_memo(context, kind, || {
            Ok(Cow::Owned(match wake {
                Wake::After(time) => format!(r#"{{"milliseconds":{}}}"#, time.as_millis()),
                Wake::At(time) => format!(r#"{{"until":"{time}"}}"#),
            }))
        }))?;
        // What the server stores for a wait carries nothing.
        Poll::Ready(match memo {
            Ok(_) => Ok(()),
            Err(_) => decode(memo),
        })
    }
}

impl FusedFuture for Sleep {
    fn is_terminated(&self) -> bool {
        self.ticket.has_ended()
    }
}

impl Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}
