//! The one error type of functions and steps, and what the server shall do about it.

mod foreign;

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::foreign::{Failure, ResultExt};

/// What a function, a step body and an awaited step end with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the server does after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Tries again while attempts remain, after its own back-off.
    Again,
    /// Tries again while attempts remain, after this time.
    After(Duration),
    /// Never tries again: the failure is final.
    Never,
}

/// A failure, with its policy.
///
/// An error that comes back from an awaited step is the stored one: it keeps the name and message
/// with which the step failed for good, and its policy is [`Retry::Never`], because repeating the
/// function cannot change it. It can be caught and matched like any other value.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// # async fn charge(ctx: &Ctx) -> Result<u32> {
/// match ctx.step("charge", async |_io| Err(Error::stop("declined").named("CardDeclined"))).await {
///     Err(error) if error.name() == "CardDeclined" => Ok(0),
///     other => other,
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    name: Cow<'static, str>,
    message: String,
    stack: Option<String>,
    cause: Option<Value>,
    data: Option<Value>,
    retry: Retry,
}

impl Error {
    /// The name of the failure of an `invoke` whose function took longer than the step waits.
    pub const INVOKE_TIMEOUT: &'static str = "InngestInvokeTimeoutError";
    /// The name of the failure of a `fetch` that got no answer in any attempt.
    pub const FETCH: &'static str = "GatewayError";
    /// The name of the failure of an `infer` that the provider refused in every attempt; its words
    /// are in [`Error::data`].
    pub const INFERENCE: &'static str = "AIGatewayError";

    fn new(message: String, retry: Retry) -> Self {
        let name = Cow::Borrowed("Error");
        Self(Box::new(Inner { name, message, stack: None, cause: None, data: None, retry }))
    }

    /// A failure that another attempt may cure.
    pub fn retry(message: impl Display) -> Self {
        Self::new(message.to_string(), Retry::Again)
    }

    /// A failure that another attempt may cure, but not before this time has passed.
    pub fn retry_after(message: impl Display, delay: Duration) -> Self {
        Self::new(message.to_string(), Retry::After(delay))
    }

    /// A failure that no further attempt can cure.
    pub fn stop(message: impl Display) -> Self {
        Self::new(message.to_string(), Retry::Never)
    }

    /// The same error under another name, which is what callers match and dashboards group by.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.name = name.into();
        self
    }

    /// The same error with the one that led to it.
    #[must_use]
    pub fn because_of(mut self, cause: &Error) -> Self {
        self.0.cause = serde_json::to_value(Stored::of(cause)).ok();
        self
    }

    /// The same error with another policy, for instance to try a caught error again.
    #[must_use]
    pub fn with_policy(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.0.data = Some(data);
        self
    }

    /// What the error is called; `Error` unless it was named.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What happened.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, if a step of another language stored that.
    pub fn stack(&self) -> Option<&str> {
        self.0.stack.as_deref()
    }

    /// What led to it, as JSON.
    pub fn cause(&self) -> Option<&Value> {
        self.0.cause.as_ref()
    }

    /// What the server stored with it, such as the words of a provider that refused.
    pub fn data(&self) -> Option<&Value> {
        self.0.data.as_ref()
    }

    /// What the server shall do about it.
    pub fn policy(&self) -> Retry {
        self.0.retry
    }

    /// The JSON object under which the server stores the error.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&Stored::of(self)).expect("an error holds only strings and JSON")
    }

    /// A stored error. Lenient, since other languages and older servers write it too.
    pub(crate) fn from_stored(json: &str) -> Self {
        let stored = serde_json::from_str::<Stored<'_>>(json)
            .unwrap_or_else(|_| Stored { message: Cow::Borrowed(json), ..Stored::default() });
        let mut error = Self::stop(stored.message);
        if !stored.name.is_empty() {
            error.0.name = Cow::Owned(stored.name.into_owned());
        }
        error.0.stack = stored.stack.map(Cow::into_owned);
        error.0.cause = stored.cause.map(Cow::into_owned);
        error.0.data = stored.data.map(Cow::into_owned);
        error
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("name", &self.0.name)
            .field("message", &self.0.message)
            .field("retry", &self.0.retry)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {}

/// The stored form.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    stack: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Cow<'a, Value>>,
}

impl<'a> Stored<'a> {
    fn of(error: &'a Error) -> Self {
        Self {
            name: Cow::Borrowed(&error.0.name),
            message: Cow::Borrowed(&error.0.message),
            stack: error.0.stack.as_deref().map(Cow::Borrowed),
            cause: error.0.cause.as_ref().map(Cow::Borrowed),
            data: error.0.data.as_ref().map(Cow::Borrowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_error_keeps_its_name_and_is_final() {
        let json = Error::retry("busy").named("Busy").because_of(&Error::stop("full")).to_json();
        assert_eq!(
            json,
            r#"{"name":"Busy","message":"busy","cause":{"message":"full","name":"Error"}}"#
        );
        let back = Error::from_stored(&json);
        assert_eq!((back.name(), back.message()), ("Busy", "busy"));
        assert_eq!(back.policy(), Retry::Never);
        assert_eq!(back.cause().expect("a cause")["message"], "full");
    }

    #[test]
    fn absent_members_of_a_stored_error_are_tolerated() {
        let error = Error::from_stored(r#"{"message":"gone","__serialized":true}"#);
        assert_eq!((error.name(), error.message()), ("Error", "gone"));
        assert_eq!(Error::from_stored("not json").message(), "not json");
    }
}
