//! A small client for HTTP, for the bodies of steps.

mod error;
mod redirect;
mod request;
mod response;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod stub;
mod url;
#[cfg(target_family = "wasm")]
mod wasi;

#[cfg(not(target_family = "wasm"))]
use self::stub::send;
#[cfg(target_family = "wasm")]
use self::wasi::send;

pub use self::error::{HttpError, HttpErrorKind};
pub use self::request::Request;
pub use self::response::Response;

/// Makes requests; see [`Io::http`](crate::Io::http).
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// async fn charge(io: &Io, cents: u32) -> Result<String> {
///     let response = io
///         .http()
///         .post("https://pay.example/charges")
///         .header("idempotency-key", io.idempotency_key())
///         .json(&serde_json::json!({ "cents": cents }))
///         .timeout(Duration::from_secs(10))
///         .send()
///         .await?
///         .ok()?;
///     Ok(response.text()?)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Http(());

impl Http {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// A GET request.
    pub fn get(&self, url: impl Into<String>) -> Request {
        self.request("GET", url)
    }

    /// A POST request.
    pub fn post(&self, url: impl Into<String>) -> Request {
        self.request("POST", url)
    }

    /// A request with any method.
    pub fn request(&self, method: impl Into<String>, url: impl Into<String>) -> Request {
        Request::new(method.into(), url.into())
    }
}
