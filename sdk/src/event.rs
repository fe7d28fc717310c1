//! Events: what starts a function, and what it sends.

mod failed;
mod field;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::call::{self, Envelope, Input};
use crate::declare::Schema;
use crate::error::{Error, Result};

#[cfg(not(target_family = "wasm"))]
pub(crate) use self::failed::FAILED;

pub use self::failed::Failed;
pub use self::field::{Field, Holds, Place, Shape};

/// A kind of event: one type, one name. Written with `#[derive(Event)]` and
/// `#[event("domain/noun.verb")]`.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event("shop/order.paid")]
/// struct OrderPaid { order_id: String }
///
/// assert_eq!(OrderPaid::NAME, "shop/order.paid");
/// ```
pub trait Event: Serialize + DeserializeOwned {
    /// The name under which the server knows it.
    const NAME: &'static str;

    /// What the members of its data are called in JSON, as far as `#[derive(Event)]` could tell.
    #[doc(hidden)]
    const MEMBERS: &'static [&'static str] = &[];

    /// What its data looks like, as far as `#[derive(Event)]` could tell.
    const SCHEMA: Option<Schema> = None;
}

/// What a call by a cron trigger carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    /// The expression that fired, as it was declared.
    pub cron: String,
}

impl Event for Cron {
    const NAME: &'static str = "inngest/scheduled.timer";
}

/// An event with its envelope: the argument of a function that wants to know more than the data.
///
/// `T` is decoded from the event's data whatever the event's name is, so it also fits a function
/// that several events of the same shape trigger. `Incoming<serde_json::Value>` takes anything.
#[derive(Clone, Debug)]
pub struct Incoming<T> {
    /// The name of the event.
    pub name: String,
    /// Its id; two events with the same one are the same event.
    pub id: Option<String>,
    /// When it happened.
    pub ts: Option<Timestamp>,
    /// Its data.
    pub data: T,
}

impl<T: DeserializeOwned> Incoming<T> {
    pub(crate) fn decode(event: &Envelope<'_>) -> Result<Self> {
        Ok(Self {
            name: event.name.to_string(),
            id: event.id.as_ref().map(ToString::to_string),
            ts: event.ts.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            data: event.data()?,
        })
    }
}

impl<T: DeserializeOwned> Input for Incoming<T> {
    fn decode(event: &Envelope<'_>) -> Result<Self> {
        Self::decode(event)
    }
}

impl<E: Event> Input for E {
    fn decode(event: &Envelope<'_>) -> Result<Self> {
        if event.name != E::NAME && !event.is_invocation() {
            let message = format!(
                "the function takes `{}` and was called with `{}`: where several triggers call it, \
                 take an enum with `#[derive(Input)]`, or `Incoming<Value>`",
                E::NAME,
                event.name
            );
            return Err(Error::stop(message).named("UnexpectedEvent"));
        }
        event.data()
    }
}

/// The whole batch, for a function with `batch(…)`; one event where the server handed over one.
impl<T: DeserializeOwned> Input for Vec<Incoming<T>> {
    fn decode(event: &Envelope<'_>) -> Result<Self> {
        Ok(vec![Incoming::decode(event)?])
    }

    fn decode_call(_event: &Envelope<'_>, call: &str) -> Result<Self> {
        call::events(call)
    }
}

impl Input for serde_json::Value {
    fn decode(event: &Envelope<'_>) -> Result<Self> {
        event.data()
    }
}

impl Input for () {
    fn decode(_event: &Envelope<'_>) -> Result<Self> {
        Ok(())
    }
}

/// An event to be sent. Any [`Event`] converts into one; build it by hand to set an id, a time or a
/// name known only at run time.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// let data = serde_json::json!({"order": 7});
/// let event = Outgoing::named("shop/order.shipped", &data).id("order-7");
/// # drop(event);
/// ```
#[derive(Debug)]
pub struct Outgoing {
    name: Cow<'static, str>,
    data: std::result::Result<Box<RawValue>, String>,
    id: Option<String>,
    ts: Option<i64>,
}

impl Outgoing {
    /// An event of a declared kind.
    pub fn of<E: Event>(event: &E) -> Self {
        Self::named(E::NAME, event)
    }

    /// An event by name.
    pub fn named(name: impl Into<Cow<'static, str>>, data: &impl Serialize) -> Self {
        let data = to_raw_value(data).map_err(|error| error.to_string());
        Self { name: name.into(), data, id: None, ts: None }
    }

    /// With this id: the server drops a second event with the same one for a day.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// When it happened. Inngest holds an event of the future back until then; the development
    /// engine does not.
    #[must_use]
    pub fn at(mut self, ts: Timestamp) -> Self {
        self.ts = Some(ts.as_millisecond());
        self
    }

    /// The form in which it goes to the host.
    pub(crate) fn wire(&self) -> Result<Wire<'_>> {
        let data = self.data.as_deref().map_err(|problem| {
            Error::stop(format!("the data of event `{}` has no JSON form: {problem}", self.name))
                .named("EncodeError")
        })?;
        Ok(Wire { name: &self.name, data, id: self.id.as_deref(), ts: self.ts })
    }
}

impl<E: Event> From<E> for Outgoing {
    fn from(event: E) -> Self {
        Self::of(&event)
    }
}

/// An event on its way to the host.
#[derive(Serialize)]
pub(crate) struct Wire<'a> {
    name: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<i64>,
}
