//! One native call, with a host of the caller's making: what test kits are built on.
//!
//! Not meant for tests themselves: they use [`Harness`](super::Harness), or the kit in `system-bus-testing`.

use std::rc::Rc;

use jiff::Timestamp;

use crate::config::stub::{self as config, Settings};
use crate::declare::Function;
use crate::error::{Error, Result};
use crate::event::Outgoing;
use crate::executor;
use crate::http::{HttpError, Request, Response, stub};

pub use crate::replay::{Answer, Found, Host, Memo};

/// Runs a function from its top for one call, to its end or to wherever the host unwinds. `call` is the call as hosts
/// hand it to components, and `now` the run's time.
pub fn run<F: Function>(host: Rc<dyn Host>, call: String, now: Timestamp) -> Result<String> {
    executor::run::<F>(host, call, Some(now))
}

/// What answers requests.
pub type Network = Rc<dyn Fn(&Request) -> Result<Response, HttpError>>;

/// What answers the requests of this thread, and what settings there are, for as long as this lives.
#[must_use = "dropping it puts back what was there before"]
pub struct Outside(Option<Network>, Settings);

impl Outside {
    /// Puts these in place of what was there.
    pub fn install(network: Option<Network>, settings: Settings) -> Self {
        Self(stub::install(network), config::install(settings))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        stub::install(self.0.take());
        config::install(std::mem::take(&mut self.1));
    }
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}

/// A request as a body would send it.
pub fn request(method: String, url: String) -> Request {
    Request::new(method, url)
}

/// The JSON object under which a server stores an error.
pub fn stored(error: &Error) -> String {
    error.to_json()
}

/// A stored error as an awaiting function sees it.
pub fn from_stored(json: &str) -> Error {
    Error::from_stored(json)
}

/// An event in the form in which it goes to a server.
///
/// Fails where its data has no JSON form.
pub fn wire(event: &Outgoing) -> Result<String> {
    executor::encode(&event.wire()?, "the event")
}
