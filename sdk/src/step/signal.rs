//! The steps that wait for a signal and send one.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::error::Result;
use crate::executor::encode;
use crate::replay::Memo;
use crate::step::hosted::invalid;
use crate::step::{Kind, LONGEST, Step, decode, milliseconds};

/// A wait for a signal with the data `T`, as
/// [`Ctx::wait_for_signal`](crate::Ctx::wait_for_signal) makes it. Ends with the data, or with
/// `None` when the time was over.
pub struct WaitForSignal<T> {
    signal: String,
    timeout: Duration,
    replace: bool,
    data: PhantomData<fn() -> T>,
}

impl<T> WaitForSignal<T> {
    pub(crate) fn new(signal: String) -> Self {
        Self { signal, timeout: LONGEST, replace: false, data: PhantomData }
    }
}

impl<T> Step<WaitForSignal<T>> {
    /// How long to wait; 366 days unless given, which is the most.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.asked.timeout = time;
        self
    }

    /// Takes the signal over from a run that waits for the same one. Without it the second run
    /// fails.
    pub fn replace(mut self) -> Self {
        self.asked.replace = true;
        self
    }
}

impl<T: DeserializeOwned> Kind for WaitForSignal<T> {
    type Output = Option<T>;

    fn name(&self) -> &'static str {
        "wait-for-signal"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        if self.signal.is_empty() {
            return Err(invalid("a signal needs a name, for instance `approve/42`"));
        }
        let milliseconds = milliseconds(self.timeout)?;
        let options = Wait { signal: &self.signal, milliseconds, replace: self.replace };
        encode(&options, "a wait").map(Cow::Owned)
    }

    fn end(&self, stored: Memo) -> Result<Option<T>> {
        // The data may be `null`, which is not the end of the time.
        let came: Option<Signal> = decode(stored)?;
        came.map(|came| decode(Ok(came.data.map_or("null".to_owned(), |data| data.get().into()))))
            .transpose()
    }
}

impl<T> Debug for WaitForSignal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForSignal")
            .field("signal", &self.signal)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A signal being sent, as [`Ctx::send_signal`](crate::Ctx::send_signal) makes it. Ends with the
/// id of the run that waited for it, or with `None` when none did.
#[derive(Debug)]
pub struct SendSignal {
    signal: String,
    data: Result<Box<RawValue>>,
}

impl SendSignal {
    pub(crate) fn new(signal: String, data: &impl Serialize) -> Self {
        Self { signal, data: to_raw_value(data).map_err(invalid) }
    }
}

impl Kind for SendSignal {
    type Output = Option<String>;

    fn name(&self) -> &'static str {
        "send-signal"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        let data = self.data.as_deref().map_err(Clone::clone)?;
        // `null` is what an absent payload comes out as, too.
        let data = (data.get() != "null").then_some(data);
        encode(&Send { signal: &self.signal, data }, "a signal").map(Cow::Owned)
    }

    fn end(&self, stored: Memo) -> Result<Option<String>> {
        // `null` where nobody waited.
        decode::<Option<Sent>>(stored).map(|sent| sent.map(|sent| sent.run_id))
    }
}

#[derive(Serialize)]
struct Wait<'a> {
    signal: &'a str,
    milliseconds: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replace: bool,
}

#[derive(Deserialize)]
struct Signal {
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Send<'a> {
    signal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Sent {
    run_id: String,
}
