//! Runs functions to their end in ordinary tests, without a server.
//!
//! The harness does what a host and a server do together: it calls the function from its top again
//! after every step, resolves what earlier calls left behind in the order in which it ended, runs
//! one body per call, repeats failed steps while attempts remain, and lets virtual time pass where
//! the function sleeps. A function that takes another way in a later call fails the test.
//!
//! What it does not do: conditions of triggers, cron expressions, checkpointing, and the isolation
//! of a component (here the clock outside a body is held still in [`Ctx::now`](crate::Ctx::now)
//! only).
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

mod server;
mod session;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::declare::Function;
use crate::error::{Error, Result};
use crate::event::Outgoing;
use crate::executor::encode;
use crate::http::{HttpError, Request, Response, stub};
use crate::log::Level;

use self::server::Server;

/// The world around a function under test.
#[derive(Default)]
pub struct Harness {
    world: World,
}

/// What a test replaces.
#[derive(Default)]
pub(crate) struct World {
    stubs: BTreeMap<String, Body>,
    failures: BTreeMap<String, (u32, Error)>,
    http: Option<stub::Stub>,
    now: Timestamp,
}

type Body = Box<dyn Fn(&str) -> Result<String>>;

impl Harness {
    /// A world in which nothing is replaced and no request is answered, at the beginning of 1970.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers for the bodies of steps with this id, which then do not run. An id without its key
    /// stands for every key; the closure is given the whole one.
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

    /// Answers the requests of bodies.
    #[must_use]
    pub fn http(
        mut self,
        answer: impl Fn(&Request) -> Result<Response, HttpError> + 'static,
    ) -> Self {
        self.world.http = Some(Rc::new(answer));
        self
    }

    /// Starts runs at this time.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.world.now = now;
        self
    }

    /// Runs a function to its end. For a cron trigger the event is a [`Cron`](crate::Cron).
    ///
    /// # Panics
    ///
    /// When the function panics, when it waits for something that is not a step, or when it takes
    /// another way in a later call.
    pub fn run<F: Function>(&self, event: impl Into<Outgoing>) -> Ended {
        let _installed = Installed::new(self.world.http.clone());
        LINES.take();
        let mut ended = Server::new(&self.world, &event.into()).run::<F>();
        ended.lines = LINES.take();
        ended
    }
}

impl World {
    /// What stands in for an attempt of a step, counted from 0.
    fn replacement(&self, id: &str, attempt: u32) -> Option<Result<String>> {
        if let Some((times, error)) = named(&self.failures, id)
            && attempt < *times
        {
            return Some(Err(error.clone()));
        }
        named(&self.stubs, id).map(|body| body(id))
    }
}

/// The entry of a step, or the one for all keys of it.
fn named<'a, T>(entries: &'a BTreeMap<String, T>, id: &str) -> Option<&'a T> {
    entries.get(id).or_else(|| entries.get(id.split('[').next()?))
}

impl std::fmt::Debug for Harness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness").field("stubs", &self.world.stubs.keys()).finish_non_exhaustive()
    }
}

/// How a run ended, and what happened on the way.
#[derive(Debug)]
pub struct Ended {
    /// What the function ended with.
    pub result: Result<Value>,
    /// The steps that ended, in that order, with their keys; a repeated id counts up as on the
    /// server (`a`, `a:1`).
    pub steps: Vec<String>,
    /// The events that were sent.
    pub events: Vec<SentEvent>,
    /// The lines that were logged, those outside of bodies once per call.
    pub lines: Vec<Line>,
    /// How often the function was called.
    pub calls: u32,
    /// How long the run took in virtual time.
    pub took: Duration,
    attempts: BTreeMap<String, u32>,
}

impl Ended {
    /// The function's result.
    ///
    /// # Panics
    ///
    /// When the function failed, or its result is of another type.
    #[track_caller]
    pub fn output<T: DeserializeOwned>(&self) -> T {
        match &self.result {
            Ok(value) => serde_json::from_value(value.clone()).expect("the result is of that type"),
            Err(error) => panic!("the function failed: {error:?}"),
        }
    }

    /// The error with which the function failed.
    ///
    /// # Panics
    ///
    /// When it did not.
    #[track_caller]
    pub fn error(&self) -> &Error {
        self.result.as_ref().expect_err("the function did not fail")
    }

    /// How often the body of a step ran or was stood in for.
    pub fn attempts(&self, step: &str) -> u32 {
        self.attempts.get(step).copied().unwrap_or_default()
    }
}

/// An event that a function sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SentEvent {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
    /// The id that the function gave it.
    pub id: Option<String>,
}

/// A line that a function logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The module that logged it.
    pub context: String,
    /// What it says.
    pub message: String,
}

thread_local! {
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn logged(level: Level, context: &str, message: String) {
    let context = context.to_owned();
    LINES.with_borrow_mut(|lines| lines.push(Line { level, context, message }));
}

/// Puts back what answered requests before.
struct Installed(Option<stub::Stub>);

impl Installed {
    fn new(http: Option<stub::Stub>) -> Self {
        Self(stub::install(http))
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        stub::install(self.0.take());
    }
}
