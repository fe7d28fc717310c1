//! What the host says about one call, decoded only as far as somebody asks.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::event::{Event, Incoming};

/// The name of the event with which an invoked function is called, whatever it takes.
const INVOKED: &str = "inngest/function.invoked";
/// What the server adds to the data of such an event.
const ADDED: &str = "_inngest";

/// The second argument of a function, made from the event that called it.
///
/// Every [`Event`](crate::Event), [`Incoming`], `serde_json::Value` and `()` is one. For a function
/// with several triggers derive it on an enum, whose variants hold one event type each:
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event("shop/stock.requested")]
/// struct StockRequested { shelf: u32 }
///
/// #[derive(Input)]
/// enum Why { Asked(StockRequested), Timer(Cron) }
///
/// #[function(id = "count-stock", on(StockRequested), cron("0 6 * * *"))]
/// async fn count_stock(ctx: Ctx, why: Why) -> Result<Option<u32>> {
///     Ok(match why {
///         Why::Asked(request) => Some(request.shelf),
///         Why::Timer(_) => None,
///     })
/// }
/// ```
pub trait Input: Sized {
    /// Takes the event apart.
    ///
    /// Fails for good when the event is of another kind or its data does not fit.
    fn decode(event: &Envelope<'_>) -> Result<Self>;

    /// [`Input::decode`] with the whole call at hand, as JSON; for what needs more than one event.
    #[doc(hidden)]
    fn decode_call(event: &Envelope<'_>, _call: &str) -> Result<Self> {
        Self::decode(event)
    }
}

/// What a function with the argument `I` can be invoked with; see
/// [`Ctx::invoke`](crate::Ctx::invoke).
///
/// A function that takes an event `E` is invoked with an `E`; `Incoming<T>` and a batch of them
/// with a `T`; `()` with `()`; `Value` with anything that is a JSON object; and an enum with
/// `#[derive(Input)]` with what any of its variants holds.
#[diagnostic::on_unimplemented(
    message = "a function that takes `{I}` cannot be invoked with `{Self}`",
    label = "not what that function takes"
)]
pub trait DataOf<I>: Serialize {}

impl<E: Event> DataOf<E> for E {}
impl<T: Serialize + DeserializeOwned> DataOf<Incoming<T>> for T {}
impl<T: Serialize + DeserializeOwned> DataOf<Vec<Incoming<T>>> for T {}
impl<T: Serialize> DataOf<serde_json::Value> for T {}
impl DataOf<()> for () {}

/// An event as it came, its data not yet decoded.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// The name of the event.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) ts: Option<i64>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl Envelope<'_> {
    /// The event's data; absent data is `null`.
    ///
    /// Fails for good when it does not fit.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T> {
        let decoded = serde_json::from_str(self.json());
        let decoded = match decoded {
            // A type that takes no unknown members still takes what the server adds to the data.
            Err(_) if self.is_invocation() => self.without_additions().unwrap_or(decoded),
            decoded => decoded,
        };
        decoded.map_err(|problem| {
            let message = format!(
                "the data of event `{}` does not fit `{}`: {problem}",
                self.name,
                std::any::type_name::<T>()
            );
            Error::stop(message).named("EventDecodeError")
        })
    }

    /// The data as it came.
    pub(crate) fn json(&self) -> &str {
        self.data.map_or("null", RawValue::get)
    }

    /// Whether another function asked for this run: the event then has the server's name, and the
    /// data that was given.
    pub fn is_invocation(&self) -> bool {
        self.name == INVOKED
    }

    /// The data without what the server adds to it. A function that takes nothing but what it
    /// knows is invoked with as little as a member.
    fn without_additions<T: DeserializeOwned>(&self) -> Option<serde_json::Result<T>> {
        let mut data: serde_json::Map<_, _> = serde_json::from_str(self.json()).ok()?;
        data.remove(ADDED)?;
        Some(serde_json::from_value(data.into()))
    }

    /// The error for an event that the function does not expect.
    pub fn unexpected(&self, expected: &[&str]) -> Error {
        let message = format!(
            "the function takes `{}` and was called with `{}`: add a variant for it",
            expected.join("`, `"),
            self.name
        );
        Error::stop(message).named("UnexpectedEvent")
    }
}

/// One call.
#[derive(Deserialize)]
pub(crate) struct Call<'a> {
    #[serde(borrow)]
    pub(crate) run_id: Cow<'a, str>,
    #[serde(default)]
    pub(crate) attempt: u32,
    #[serde(default = "one")]
    pub(crate) max_attempts: u32,
    #[serde(borrow)]
    pub(crate) event: Envelope<'a>,
}

/// The rest of a call, of use to functions with batches only.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    event: Envelope<'a>,
    #[serde(borrow, default)]
    events: Vec<Envelope<'a>>,
}

const fn one() -> u32 {
    1
}

impl<'a> Call<'a> {
    pub(crate) fn decode(json: &'a str) -> Result<Self> {
        serde_json::from_str(json).map_err(|problem| refused(&problem))
    }
}

/// All events of a call. The host sends `events` only where it is more than the one event.
pub(crate) fn events<T: DeserializeOwned>(json: &str) -> Result<Vec<Incoming<T>>> {
    let batch: Batch<'_> = serde_json::from_str(json).map_err(|problem| refused(&problem))?;
    let all = if batch.events.is_empty() { vec![batch.event] } else { batch.events };
    all.iter().map(Incoming::decode).collect()
}

fn refused(problem: &serde_json::Error) -> Error {
    Error::retry(format!("the host's call does not follow the contract: {problem}"))
        .named("CallDecodeError")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_event_that_is_no_batch_is_the_only_one() {
        let names = |rest: &str| {
            let call = format!(r#"{{"run_id":"r","event":{{"name":"a"}}{rest}}}"#);
            let all = events::<Value>(&call).expect("events");
            all.into_iter().map(|event| event.name).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["a"]);
        assert_eq!(names(r#","events":[]"#), ["a"]);
        assert_eq!(names(r#","events":[{"name":"a"},{"name":"b"}]"#), ["a", "b"]);
    }
}
