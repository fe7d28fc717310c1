//! The seam of outgoing requests, whose interface is WASI's own and not a provider's.

use http::Request;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use crate::state::CallState;

/// What stands behind outgoing `wasi:http`.
///
/// Without one, requests reach the destinations that the operator allowed for every component, and nothing else.
pub trait Requests: Send + Sync {
    /// A step's body is about to send a request. Takes from the call's state what the request will need, and answers
    /// with what sends this one; must not block. An error ends the call, and no code of the guest can catch it.
    fn begin(&self, state: &mut CallState) -> wasmtime::Result<SendRequest>;
}

/// Sends one request.
pub type SendRequest = Box<dyn FnOnce(Outbound) -> Sent + Send>;

/// A request as it left the guest, in its call's trace.
pub struct Outbound {
    /// The request. Its host is whatever the guest wrote.
    pub request: Request<WasiBody>,
    /// How long the guest wants to wait, and for what.
    pub options: RequestOptions,
    /// Whether its operator allowed the destination for every component, private addresses included.
    pub listed: bool,
}

/// The end of a request: an answer, and what has to be driven while its body is read.
pub type Sent = Box<
    dyn Future<
            Output = Result<
                (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>),
                Error,
            >,
        > + Send,
>;
