//! The step that runs another function.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::{Error, Result};
use crate::executor::encode;
use crate::replay::Memo;
use crate::step::hosted::invalid;
use crate::step::{Kind, Step, decode, milliseconds};

/// A run of another function, as [`Ctx::invoke`](crate::Ctx::invoke) and
/// [`Ctx::invoke_by_id`](crate::Ctx::invoke_by_id) make it. Ends with what that function returned,
/// or with its failure.
pub struct Invoke<T> {
    function: Cow<'static, str>,
    app: Option<String>,
    data: Result<Box<RawValue>>,
    timeout: Option<Duration>,
    output: PhantomData<fn() -> T>,
}

impl<T> Invoke<T> {
    pub(crate) fn new(function: Cow<'static, str>, data: &(impl Serialize + ?Sized)) -> Self {
        let data = to_raw_value(data).map_err(invalid);
        Self { function, app: None, data, timeout: None, output: PhantomData }
    }
}

impl<T> Step<Invoke<T>> {
    /// The Inngest app that has the function. Without it the host finds the app among its own.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.asked.app = Some(app.into());
        self
    }

    /// How long to wait for its end; a year unless given. When the time is over, the step fails
    /// with the name [`Error::INVOKE_TIMEOUT`], and the other function goes on.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.asked.timeout = Some(time);
        self
    }
}

impl<T: DeserializeOwned> Kind for Invoke<T> {
    type Output = T;

    fn name(&self) -> &'static str {
        "invoke"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        let data = self.data.as_deref().map_err(Error::clone)?;
        let data = match data.get().as_bytes().first() {
            Some(b'{') => Some(data),
            _ if data.get() == "null" => None,
            _ => {
                return Err(invalid(format!(
                    "function `{}` is invoked with {}: the data of an event is an object",
                    self.function,
                    data.get()
                )));
            }
        };
        let milliseconds = self.timeout.map(milliseconds).transpose()?;
        let (function, app) = (&*self.function, self.app.as_deref());
        encode(&Options { function, app, data, milliseconds }, "an invocation").map(Cow::Owned)
    }

    fn end(&self, stored: Memo) -> Result<T> {
        decode(stored)
    }
}

impl<T> Debug for Invoke<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoke")
            .field("function", &self.function)
            .field("app", &self.app)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Options<'a> {
    function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
}
