//! What a function is given to work with.

use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures::future::{self, Either};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call;
use crate::error::Result;
use crate::event::{Incoming, Outgoing};
use crate::io::Io;
use crate::replay::Replay;
use crate::step::{Run, Send, SendAll, Sleep};

/// A running function's way to its steps.
///
/// Everything it makes is an ordinary future: `?`, `futures::join!`, `select!`, `join_all` and
/// `FuturesUnordered` do what they do elsewhere. A step's id is its identity in the server's
/// memory, across deploys too: renaming one makes running functions do it again.
#[derive(Clone)]
pub struct Ctx {
    replay: Rc<Replay>,
}

impl Ctx {
    pub(crate) fn new(replay: Rc<Replay>) -> Self {
        Self { replay }
    }

    /// A step: its body runs until it has once ended well, and its result is remembered.
    ///
    /// Fails with what the server stored, after the last attempt or when the body said
    /// [`Error::stop`](crate::Error::stop).
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// # async fn example(ctx: Ctx) -> Result<()> {
    /// let (a, b) = futures::try_join!(
    ///     ctx.step("a", async |_io| Ok(1)),
    ///     ctx.step("b", async |io| {
    ///         let answer = io.http().get("https://api.example/b").send().await?;
    ///         Ok(answer.json::<u32>()?)
    ///     }),
    /// )?;
    /// for part in [a, b] {
    ///     ctx.step("store", async |_io| Ok(part * 2)).key(part).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn step<T, F>(&self, id: &'static str, body: F) -> Run<T, F>
    where
        F: AsyncFnOnce(Io) -> Result<T>,
        T: Serialize + DeserializeOwned,
    {
        Run::new(&self.replay, id, body)
    }

    /// Waits for a while, in whole milliseconds.
    pub fn sleep(&self, id: &'static str, time: Duration) -> Sleep {
        Sleep::after(&self.replay, id, time)
    }

    /// Waits for a point in time.
    pub fn sleep_until(&self, id: &'static str, time: Timestamp) -> Sleep {
        Sleep::until(&self.replay, id, time)
    }

    /// Sends one event and ends with its id.
    pub fn send(&self, id: &'static str, event: impl Into<Outgoing>) -> Send {
        Send::new(&self.replay, id, event.into())
    }

    /// Sends events in one request and ends with their ids, in order.
    pub fn send_all<E: Into<Outgoing>>(
        &self,
        id: &'static str,
        events: impl IntoIterator<Item = E>,
    ) -> SendAll {
        SendAll::new(&self.replay, id, events.into_iter().map(Into::into).collect())
    }

    /// Ends with whichever ends first, and drops the other one before anything else happens: a
    /// loser that lives on would go on being planned. After `futures::select` it does live on,
    /// until the end of the `match`.
    ///
    /// The server waits for both before it calls the function again, so a race takes as long as its
    /// slower side: what it decides is which result counts, not how soon.
    ///
    /// ```
    /// use futures::future::Either;
    /// use system_bus_sdk::prelude::*;
    ///
    /// # async fn example(ctx: Ctx) -> Result<Option<u32>> {
    /// let asked = ctx.step("ask", async |_io| Ok(7));
    /// Ok(match ctx.race(asked, ctx.sleep("patience", Duration::from_mins(1))).await {
    ///     Either::Left(answer) => Some(answer?),
    ///     Either::Right(_) => None,
    /// })
    /// # }
    /// ```
    pub async fn race<A: Future, B: Future>(&self, a: A, b: B) -> Either<A::Output, B::Output> {
        match future::select(pin!(a), pin!(b)).await {
            Either::Left((end, _)) => Either::Left(end),
            Either::Right((end, _)) => Either::Right(end),
        }
    }

    /// The id of this run.
    pub fn run_id(&self) -> &str {
        &self.replay.facts.run_id
    }

    /// How often this was tried before, from 0.
    pub fn attempt(&self) -> u32 {
        self.replay.facts.attempt
    }

    /// How often it is tried at most.
    pub fn max_attempts(&self) -> u32 {
        self.replay.facts.max_attempts
    }

    /// The run's time: the same in every call of a run. The clock moves inside step bodies only.
    pub fn now(&self) -> Timestamp {
        self.replay.facts.now.unwrap_or_else(|| {
            Timestamp::try_from(SystemTime::now()).expect("hosts run in this age of the world")
        })
    }

    /// All events of the call, for a function whose server hands them over in batches; otherwise
    /// the one that the function was called with.
    ///
    /// Fails for good when the data of one does not fit.
    pub fn events<T: DeserializeOwned>(&self) -> Result<Vec<Incoming<T>>> {
        call::events(&self.replay.facts.call)
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("run_id", &self.run_id()).finish_non_exhaustive()
    }
}
