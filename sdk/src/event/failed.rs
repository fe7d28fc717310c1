//! What a failure handler is called with.

use std::fmt::{self, Debug};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::call::{Envelope, Input};
use crate::error::{Error, Result};
use crate::event::Incoming;

/// The name of the event that the server sends when a run has failed for good.
pub(crate) const FAILED: &str = "inngest/function.failed";

/// A run that failed for good: the argument of a function with
/// [`#[on_failure(…)]`](crate::on_failure). `T` is the data of the event that had started the run.
pub struct Failed<T> {
    /// The run that failed.
    pub run_id: String,
    /// The function, as the server knows it: with its app before its id.
    pub function_id: String,
    /// What it failed with.
    pub error: Error,
    event: Box<RawValue>,
    data: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Failed<T> {
    /// The event that had started the run; of a batch, the first one.
    ///
    /// It is decoded here and not before, since an event that does not fit may be what the run has
    /// failed of. Fails for good when it does not.
    pub fn event(&self) -> Result<Incoming<T>> {
        let event: Envelope<'_> =
            serde_json::from_str(self.event.get()).map_err(|problem| misfit(&problem))?;
        Incoming::decode(&event)
    }
}

#[derive(Deserialize)]
struct Data<'a> {
    run_id: String,
    function_id: String,
    #[serde(borrow)]
    error: &'a RawValue,
    event: Box<RawValue>,
}

impl<T: DeserializeOwned> Input for Failed<T> {
    fn decode(event: &Envelope<'_>) -> Result<Self> {
        if event.name != FAILED {
            return Err(event.unexpected(&[FAILED]));
        }
        let data: Data<'_> =
            serde_json::from_str(event.json()).map_err(|problem| misfit(&problem))?;
        Ok(Self {
            run_id: data.run_id,
            function_id: data.function_id,
            error: Error::from_stored(data.error.get()),
            event: data.event,
            data: PhantomData,
        })
    }
}

fn misfit(problem: &serde_json::Error) -> Error {
    Error::stop(format!("the server's report of a failed run has another form: {problem}"))
        .named("EventDecodeError")
}

impl<T> Debug for Failed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failed")
            .field("run_id", &self.run_id)
            .field("function_id", &self.function_id)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
