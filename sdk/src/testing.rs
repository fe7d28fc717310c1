//! Runs functions to their end in ordinary tests, without a server.
//!
//! The harness does what a host and a server do together: it calls the function from its top again
//! when its steps have ended (in a race, when one has), resolves what earlier calls left behind in
//! the order in which it ended, runs one body per call, repeats failed steps while attempts remain,
//! and lets virtual time pass where the function waits. A function that takes another way in a
//! later call fails the test.
//!
//! What comes from outside is said by the test: events and signals with the time after which they
//! come, what invoked functions return, and what answers requests and models.
//!
//! What it does not do: conditions of triggers, cron expressions, the options of `#[function]`
//! other than `retries`, checkpointing, and the isolation of a component (here the clock outside a
//! body is held still in [`Ctx::now`](crate::Ctx::now) only).
//!
//! ```
//! use system_bus_sdk::prelude::*;
//! use system_bus_sdk::testing::Harness;
//!
//! #[derive(Event, Serialize, Deserialize)]
//! #[event("shop/order.paid")]
//! struct OrderPaid { cents: u32 }
//!
//! #[function(id = "fulfil-order", on(OrderPaid))]
//! async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<u32> {
//!     let fee: u32 = ctx.step("fee", async |_io| Ok(order.cents / 10)).await?;
//!     ctx.sleep("cool-off", Duration::from_hours(1)).await?;
//!     ctx.step("charge", async |_io| Ok(order.cents + fee)).await
//! }
//!
//! let end = Harness::new()
//!     .fail("charge", 1, Error::retry("the bank was away"))
//!     .run::<fulfil>(OrderPaid { cents: 100 });
//! assert_eq!(end.output::<u32>(), 110);
//! assert_eq!(end.steps, ["fee", "cool-off", "charge"]);
//! assert_eq!(end.attempts("charge"), 2);
//! ```

pub(crate) mod condition;
mod ended;
#[doc(hidden)]
pub mod native;
mod pending;
mod server;
mod session;
mod world;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::config::stub::{self as config, Settings};
use crate::declare::Function;
use crate::error::{Error, Result};
use crate::event::Outgoing;
use crate::executor::encode;
use crate::http::{HttpError, Request, Response, stub};
use crate::log::Level;

use self::server::{Server, arrived};
use self::world::{Arrival, World};

pub use self::ended::{Ended, Line, SentEvent};

/// The world around a function under test.
#[derive(Default)]
pub struct Harness {
    world: World,
}

impl Harness {
    /// A world in which nothing is replaced and no request is answered, at the beginning of 1970.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers for the steps with this id: their bodies do not run, and no function, server or
    /// model is asked. An id without its key stands for every key; the closure is given the whole
    /// one. Sleeps and waits are not stubbed: let time pass, or something come.
    #[must_use]
    pub fn stub<T: Serialize>(
        mut self,
        id: &str,
        body: impl Fn(&str) -> Result<T> + 'static,
    ) -> Self {
        let body = move |id: &str| body(id).and_then(|value| encode(&value, "the stub's result"));
        self.world.stubs.insert(id.to_owned(), Box::new(body));
        self
    }

    /// Lets the first attempts of each step with this id fail, without running its body.
    #[must_use]
    pub fn fail(mut self, id: &str, times: u32, error: Error) -> Self {
        self.world.failures.insert(id.to_owned(), (times, error));
        self
    }

    /// Lets each attempt of the steps with this id take this long in virtual time; no time unless
    /// said.
    #[must_use]
    pub fn takes(mut self, id: &str, time: Duration) -> Self {
        self.world.durations.insert(id.to_owned(), time);
        self
    }

    /// Answers the requests of bodies and of `fetch` steps.
    #[must_use]
    pub fn http(
        mut self,
        answer: impl Fn(&Request) -> Result<Response, HttpError> + 'static,
    ) -> Self {
        self.world.http = Some(Rc::new(answer));
        self
    }

    /// A setting that the function reads with [`Ctx::config`](crate::Ctx::config); none is there
    /// unless said.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.world.settings.insert(key.into(), value.into());
        self
    }

    /// Answers for a function that is invoked. An error is that function's failure.
    #[must_use]
    pub fn invoked<F: Function>(
        self,
        answer: impl Fn(&Value) -> Result<F::Output> + 'static,
    ) -> Self {
        self.invoked_by_id(F::DECLARATION.id, answer)
    }

    /// [`invoked`](Self::invoked) for a function of which only the id is known.
    #[must_use]
    pub fn invoked_by_id<T: Serialize>(
        mut self,
        function: &str,
        answer: impl Fn(&Value) -> Result<T> + 'static,
    ) -> Self {
        let answer =
            move |data: &Value| answer(data).and_then(|value| encode(&value, "the answer"));
        self.world.functions.insert(function.to_owned(), Box::new(answer));
        self
    }

    /// Answers for the models that `infer` steps ask. The closure is given the whole question:
    /// `url`, `format` and `body`. An error is what the provider says with an error status.
    #[must_use]
    pub fn model(mut self, answer: impl Fn(&Value) -> Result<Value, Value> + 'static) -> Self {
        self.world.model = Some(Box::new(answer));
        self
    }

    /// Lets an event come this long after the run has begun. A step that waits for it by then ends
    /// with it.
    #[must_use]
    pub fn event_after(mut self, time: Duration, event: impl Into<Outgoing>) -> Self {
        let id = format!("arrival-{}", self.world.arrivals.len() + 1);
        let event = arrived(&event.into(), &id, self.world.now);
        self.world.arrivals.push((time, Arrival::Event(event)));
        self
    }

    /// Lets a signal come this long after the run has begun.
    ///
    /// # Panics
    ///
    /// When the data has no JSON form.
    #[must_use]
    pub fn signal_after(mut self, time: Duration, signal: &str, data: &impl Serialize) -> Self {
        let data = serde_json::to_value(data).expect("the data of a test has a JSON form");
        self.world.arrivals.push((time, Arrival::Signal(signal.to_owned(), data)));
        self
    }

    /// Starts runs at this time.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.world.now = now;
        self
    }

    /// Runs a function to its end. For a cron trigger the event is a [`Cron`](crate::Cron), for a
    /// failure handler it is [`Ended::failure`] of the run that failed.
    ///
    /// # Panics
    ///
    /// When the function panics, when it waits for something that is not a step, or when it takes
    /// another way in a later call.
    pub fn run<F: Function>(&self, event: impl Into<Outgoing>) -> Ended {
        self.run_batch::<F>([event.into()])
    }

    /// Runs a function with a batch of events, at least one.
    ///
    /// # Panics
    ///
    /// Where [`run`](Self::run) does, and when there is no event.
    pub fn run_batch<F: Function>(&self, events: impl IntoIterator<Item: Into<Outgoing>>) -> Ended {
        let events: Vec<Outgoing> = events.into_iter().map(Into::into).collect();
        assert!(!events.is_empty(), "a run has at least one event");
        let _installed = Installed::new(self.world.http.clone(), self.world.settings.clone());
        LINES.take();
        let mut ended = Server::new::<F>(&self.world, &events).run::<F>();
        ended.lines = LINES.take();
        ended
    }
}

impl std::fmt::Debug for Harness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness").field("stubs", &self.world.stubs.keys()).finish_non_exhaustive()
    }
}

thread_local! {
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn logged(level: Level, context: &str, message: String) {
    let context = context.to_owned();
    LINES.with_borrow_mut(|lines| lines.push(Line { level, context, message }));
}

/// Puts back what answered requests, and what settings there were, before.
struct Installed(Option<stub::Stub>, Settings);

impl Installed {
    fn new(http: Option<stub::Stub>, settings: Settings) -> Self {
        Self(stub::install(http), config::install(settings))
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        stub::install(self.0.take());
        config::install(std::mem::take(&mut self.1));
    }
}
