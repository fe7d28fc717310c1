//! The step that waits for an event.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::Envelope;
use crate::cel::Match;
use crate::error::{Error, Result};
use crate::event::{Holds, Incoming, Place};
use crate::executor::encode;
use crate::replay::Memo;
use crate::step::hosted::invalid;
use crate::step::{Kind, LONGEST, Step, decode, milliseconds};

/// A wait for an event with the data `E`, as [`Ctx::wait_for`](crate::Ctx::wait_for) makes it.
/// Ends with the event, or with `None` when the time was over.
///
/// Only events that come after the wait has begun count. Conditions add up: all have to hold.
pub struct WaitFor<E> {
    event: Cow<'static, str>,
    timeout: Duration,
    matching: Result<Match>,
    data: PhantomData<fn() -> E>,
}

impl<E> WaitFor<E> {
    pub(crate) fn new(event: Cow<'static, str>) -> Self {
        let matching = Ok(Match::default());
        Self { event, timeout: LONGEST, matching, data: PhantomData }
    }
}

impl<E> Step<WaitFor<E>> {
    /// How long to wait; 366 days unless given, which is the most.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.asked.timeout = time;
        self
    }

    /// Only an event that has this value there. The place is a field of the event, checked by the
    /// compiler, or a path such as `"data.address.city"`; the value is a text, a number, a bool or
    /// null.
    ///
    /// A value that the server cannot compare, or a path that is none, fails the step with the
    /// name `InvalidOptions`.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// #[derive(Event, Serialize, Deserialize)]
    /// #[event("shipping/parcel.delivered")]
    /// struct ParcelDelivered { order_id: String, address: Value }
    ///
    /// # async fn example(ctx: Ctx, order_id: String) -> Result<bool> {
    /// let delivered = ctx
    ///     .wait_for::<ParcelDelivered>("delivered")
    ///     .where_eq(ParcelDelivered::FIELDS.order_id, &order_id)
    ///     .where_eq("data.address.city", "Bremen")
    ///     .timeout(Duration::from_hours(72))
    ///     .await?;
    /// Ok(delivered.is_some())
    /// # }
    /// ```
    pub fn where_eq<V: Serialize + ?Sized>(mut self, place: impl Holds<E, V>, value: &V) -> Self {
        self.narrow(|matching| {
            let value = serde_json::to_value(value).map_err(invalid)?;
            let selector = place.selector().map_err(invalid)?;
            matching.equal(&selector, &value).map_err(invalid)
        });
        self
    }

    /// Only an event that has the same value there as the event that started the run, which must
    /// have a member of this name too.
    pub fn same(mut self, place: impl Place<E>) -> Self {
        self.narrow(|matching| {
            matching.same(&place.selector().map_err(invalid)?);
            Ok(())
        });
        self
    }

    /// Only an event for which this CEL holds: `event` is what started the run, `async` is the one
    /// that came.
    ///
    /// Do not paste values into it: [`where_eq`](Self::where_eq) escapes them.
    pub fn matching(mut self, condition: &str) -> Self {
        self.narrow(|matching| {
            matching.raw(condition);
            Ok(())
        });
        self
    }

    fn narrow(&mut self, narrow: impl FnOnce(&mut Match) -> Result<()>) {
        let Ok(matching) = &mut self.asked.matching else { return };
        if let Err(error) = narrow(matching) {
            self.asked.matching = Err(error);
        }
    }
}

impl<E: DeserializeOwned> Kind for WaitFor<E> {
    type Output = Option<Incoming<E>>;

    fn name(&self) -> &'static str {
        "wait-for-event"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        let matching = self.matching.as_ref().map_err(Error::clone)?;
        let options = Options {
            event: &self.event,
            milliseconds: milliseconds(self.timeout)?,
            condition: matching.text(),
        };
        encode(&options, "a wait").map(Cow::Owned)
    }

    fn end(&self, stored: Memo) -> Result<Option<Incoming<E>>> {
        let json = match stored {
            Ok(json) => json,
            failed => return decode::<()>(failed).map(|()| None),
        };
        let event: Option<Envelope<'_>> = serde_json::from_str(&json).map_err(|problem| {
            let message = format!("what is stored for a wait is no event: {problem}");
            Error::stop(message).named("MemoDecodeError")
        })?;
        event.as_ref().map(Incoming::decode).transpose()
    }
}

impl<E> Debug for WaitFor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor")
            .field("event", &self.event)
            .field("timeout", &self.timeout)
            .field("matching", &self.matching)
            .finish()
    }
}

#[derive(Serialize)]
struct Options<'a> {
    event: &'a str,
    milliseconds: u64,
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
}
