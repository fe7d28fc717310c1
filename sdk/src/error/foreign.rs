//! How errors of other types become an [`struct@Error`].

use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

use crate::error::{Error, Result, Retry};

/// An error type of your own that knows what the server shall do about each of its cases, so that
/// `?` is enough.
///
/// ```
/// use std::fmt;
/// use system_bus_sdk::prelude::*;
///
/// #[derive(Debug)]
/// enum PayError { Declined, Busy(Duration) }
///
/// impl fmt::Display for PayError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str(match self {
///             Self::Declined => "the card was declined",
///             Self::Busy(_) => "the bank is busy",
///         })
///     }
/// }
/// impl std::error::Error for PayError {}
/// impl Failure for PayError {
///     fn policy(&self) -> Retry {
///         match self { Self::Declined => Retry::Never, Self::Busy(delay) => Retry::After(*delay) }
///     }
/// }
///
/// fn pay() -> Result<u32> { Err(PayError::Declined)? }
/// assert_eq!(pay().unwrap_err().name(), "PayError");
/// ```
pub trait Failure: std::error::Error {
    /// What the server shall do about this case.
    fn policy(&self) -> Retry;

    /// What the error is called; the name of the type unless given.
    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(type_name::<Self>())
    }
}

impl<E: Failure> From<E> for Error {
    fn from(error: E) -> Self {
        let mut cause = None;
        if let Some(source) = error.source() {
            cause = Some(Self::stop(source));
        }
        let failure = Self::new(error.to_string(), error.policy()).named(Failure::name(&error));
        match cause {
            Some(cause) => failure.because_of(&cause),
            None => failure,
        }
    }
}

/// Says what the server shall do about an error that does not know it itself.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// fn port(text: &str) -> Result<u16> {
///     text.parse::<u16>().stop()
/// }
/// assert_eq!(port("x").unwrap_err().name(), "ParseIntError");
/// ```
pub trait ResultExt<T> {
    /// Another attempt may cure it.
    fn retry(self) -> Result<T>;
    /// Another attempt may cure it, but not before this time has passed.
    fn retry_after(self, delay: Duration) -> Result<T>;
    /// No further attempt can cure it.
    fn stop(self) -> Result<T>;
}

impl<T, E: Display> ResultExt<T> for Result<T, E> {
    fn retry(self) -> Result<T> {
        self.map_err(|error| foreign(&error, Retry::Again))
    }

    fn retry_after(self, delay: Duration) -> Result<T> {
        self.map_err(|error| foreign(&error, Retry::After(delay)))
    }

    fn stop(self) -> Result<T> {
        self.map_err(|error| foreign(&error, Retry::Never))
    }
}

fn foreign<E: Display>(error: &E, retry: Retry) -> Error {
    let name = match type_name::<E>() {
        "String" | "str" => "Error",
        name => name,
    };
    Error::new(error.to_string(), retry).named(name)
}

/// The last part of a type's path, without its generic arguments.
fn type_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>().trim_start_matches('&');
    let plain = full.split('<').next().unwrap_or(full);
    plain.rsplit("::").next().unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_errors_take_the_name_of_their_type() {
        let error =
            "x".parse::<u8>().retry_after(Duration::from_secs(3)).expect_err("not a number");
        assert_eq!(error.name(), "ParseIntError");
        assert_eq!(error.policy(), Retry::After(Duration::from_secs(3)));
        let text: Result<(), &str> = Err("plain");
        assert_eq!(text.retry().expect_err("it is one").name(), "Error");
    }
}
