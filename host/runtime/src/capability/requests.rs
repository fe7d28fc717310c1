//! The seam of outgoing requests, whose interface is WASI's own and not a provider's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, Uri};
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
    /// For the words, where it is denied.
    pub denials: Denials,
}

/// How many denied requests of a body are remembered.
const REMEMBERED: usize = 128;

/// Why requests of one step's body were denied: `wasi:http` has no room for the words, so the guest asks for them
/// afterwards. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub struct Denials(Arc<Mutex<VecDeque<Denial>>>);

#[derive(Debug)]
struct Denial {
    method: Method,
    uri: Uri,
    message: String,
}

impl Denials {
    /// Remembers why a request was denied. Many later ones make it forgotten.
    pub fn add(&self, method: &Method, uri: &Uri, message: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == REMEMBERED {
            all.pop_front();
        }
        all.push_back(Denial { method: method.clone(), uri: uri.clone(), message });
    }

    /// Why the latest such request was denied.
    pub(crate) fn why(&self, method: &str, uri: &str) -> Option<String> {
        let uri: Uri = uri.parse().ok()?;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut such = all.iter().rev();
        let such = such.find(|own| own.method.as_str() == method && own.uri == uri);
        such.map(|denial| denial.message.clone())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_words_about_a_request_are_found_and_no_others() {
        let denials = Denials::default();
        let add = |method: &Method, uri: &str, message: &str| {
            denials.add(method, &uri.parse().expect("a URI"), message.to_owned());
        };
        add(&Method::GET, "http://a/b?c", "first");
        add(&Method::GET, "http://a/b?c", "second");
        add(&Method::POST, "http://a/b?c", "third");
        for (method, uri, expected) in [
            ("GET", "http://a/b?c", Some("second")),
            ("GET", "HTTP://A/b?c", Some("second")),
            ("POST", "http://a/b?c", Some("third")),
            ("PUT", "http://a/b?c", None),
            ("GET", "http://a/b?d", None),
            ("GET", "https://a/b?c", None),
            ("GET", "no URI", None),
        ] {
            assert_eq!(denials.why(method, uri).as_deref(), expected, "{method} {uri}");
        }
        for _ in 0..REMEMBERED {
            add(&Method::PUT, "http://a/", "many");
        }
        assert_eq!(denials.why("GET", "http://a/b?c"), None, "only so many are remembered");
    }
}
