//! Outgoing HTTP: only inside of steps, and only where something allows it. With a provider of requests that is for it to
//! say; without one there is the list of destinations that the operator allows for every component.

mod scope;

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use protocol::trace::{self, TraceContext};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::bindings::system_bus::durable::http_refusals;
use crate::bindings::system_bus::durable::refusals::{self, Reason, Refusal};
use crate::capability::{Denials, Outbound, Requests, SendRequest, Sent};
use crate::fault::Fault;
use crate::state::CallState;
use scope::Scope;

/// One destination that components may reach: `[scheme://]host[:port]`.
///
/// The host may be `*`, or begin with `*.` for all names below one; the port may be `*`. Without a scheme both
/// `http` and `https` are meant; without a port, the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    scheme: Option<String>,
    host: String,
    port: Port,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    OfScheme,
    Any,
    Exactly(u16),
}

/// Why a text is not a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a destination; write [http:// or https://]host[:port], where host and port may be *"
)]
pub struct DestinationError(String);

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let fault = || DestinationError(text.chars().take(120).collect());
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (Some(scheme.to_owned()), rest),
            Some(_) => return Err(fault()),
            None => (None, text),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of a bare IPv6 address does not begin a port.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port {
                "*" => (host, Port::Any),
                port => (host, Port::Exactly(port.parse().map_err(|_| fault())?)),
            },
            _ => (authority, Port::OfScheme),
        };
        let name = host.strip_prefix("*.").unwrap_or(host);
        let wild = name == "*" && host == "*";
        let plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '[' | ']');
        if name.is_empty() || !(wild || name.chars().all(plain)) {
            return Err(fault());
        }
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        f.write_str(&self.host)?;
        match self.port {
            Port::OfScheme => Ok(()),
            Port::Any => f.write_str(":*"),
            Port::Exactly(port) => write!(f, ":{port}"),
        }
    }
}

impl Destination {
    /// Whether a request to this URI goes to this destination.
    pub fn includes(&self, uri: &::http::Uri) -> bool {
        let Some(scheme) = uri.scheme_str() else { return false };
        let Some(host) = uri.host() else { return false };
        let own_port = if scheme == "https" { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(own_port);
        let host = host.to_ascii_lowercase();
        self.scheme.as_deref().is_none_or(|wanted| wanted == scheme)
            && match self.host.strip_prefix('*') {
                Some("") => true,
                Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
                None => self.host == host,
            }
            && match self.port {
                Port::Any => true,
                Port::Exactly(wanted) => wanted == port,
                Port::OfScheme => port == own_port,
            }
    }
}

/// The hooks of one call's `wasi:http`.
pub(crate) struct Outgoing {
    allowed: Arc<[Destination]>,
    /// The trace that the call belongs to.
    pub(crate) trace: Option<TraceContext>,
    /// The span of the body that runs, where spans are exported: it comes between.
    pub(crate) span: Option<TraceContext>,
    /// What sends requests here.
    pub(crate) requests: Option<Arc<dyn Requests>>,
    /// What sends the one that is being made.
    pub(crate) next: Option<SendRequest>,
    /// Why requests of the running body were denied.
    pub(crate) denials: Denials,
    /// The body of the step that runs.
    pub(crate) body: Scope,
}

impl Outgoing {
    pub(crate) fn new(allowed: Arc<[Destination]>) -> Self {
        Self {
            allowed,
            trace: None,
            span: None,
            requests: None,
            next: None,
            denials: Denials::default(),
            body: Scope::default(),
        }
    }

    /// Lets a request take part in the call's trace, unless the guest has put it into one.
    fn trace(&self, headers: &mut ::http::HeaderMap) {
        if headers.contains_key(trace::PARENT) {
            return;
        }
        let Some(trace) = self.span.as_ref().or(self.trace.as_ref()) else { return };
        for (name, value) in trace.headers() {
            if let Ok(value) = ::http::HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }
}

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: ::http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _failure: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sent {
        let mut request = request.map(|body| self.body.keep(body));
        let listed = self.allowed.iter().any(|destination| destination.includes(request.uri()));
        if let Some(send) = self.next.take() {
            self.trace(request.headers_mut());
            let (options, denials) = (options.unwrap_or_default(), self.denials.clone());
            return self.body.hold(send(Outbound { request, options, listed, denials }));
        }
        if !listed {
            // The authority only: a path or a query may hold what nobody should read in a log.
            let destination =
                request.uri().authority().map_or("an empty authority", |a| a.as_str());
            tracing::warn!(
                destination,
                "refused an outgoing request: the destination is not on the allow list"
            );
            let message = format!(
                "no component of this worker may send requests to {destination}: start it with \
                 `--allow-http {destination}`, or grant it to the component"
            );
            self.denials.add(request.method(), request.uri(), message);
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        self.trace(request.headers_mut());
        self.body.hold(Box::new(async move {
            let (response, io) = wasmtime_wasi_http::default_send_request(request, options).await?;
            let io: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(io);
            let io: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(io);
            Ok((response.map(http_body_util::BodyExt::boxed_unsync), io))
        }))
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        tracing::debug!(%error, "an outgoing request failed after connecting");
        ErrorCode::HttpProtocolError
    }

    fn p2_error_from_connect(&mut self, error: &std::io::Error) -> ErrorCode {
        tracing::debug!(%error, "an outgoing request could not connect");
        match error.kind() {
            std::io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
            std::io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
            std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => {
                ErrorCode::DestinationUnavailable
            }
            // The standard library has no kind of its own for a failed look-up.
            _ => ErrorCode::DnsError(
                wasmtime_wasi_http::p2::bindings::http::types::DnsErrorPayload {
                    rcode: None,
                    info_code: None,
                },
            ),
        }
    }
}

impl refusals::Host for CallState {}

/// Says why a request of the body that runs was denied.
impl http_refusals::Host for CallState {
    fn why(&mut self, method: String, uri: String) -> wasmtime::Result<Option<Refusal>> {
        if !self.phase.in_step() {
            return Err(Fault::OutsideStep { capability: "outgoing HTTP", place: None }.into());
        }
        let message = self.outgoing.denials.why(&method, &uri);
        Ok(message
            .map(|message| Refusal { reason: Reason::Denied, message: self.redacted(message) }))
    }
}

/// Replaces `http-error-code`, which does not know the errors that bodies end in: a guest that reads one could not tell why
/// it ended.
///
/// The linker must hold the original already, and allow shadowing.
pub(crate) fn explain(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance("wasi:http/types@0.2.12")?.func_wrap(
        "http-error-code",
        |mut store: StoreContextMut<'_, CallState>,
         (error,): (Resource<wasmtime::Error>,)|
         -> wasmtime::Result<(Option<ErrorCode>,)> {
            let error = store.data_mut().ctx().table.get(&error)?;
            let known = error.downcast_ref::<ErrorCode>().cloned();
            Ok((known.or_else(|| error.downcast_ref::<Error>().map(why_a_body_ended)),))
        },
    )
}

/// What guests are told of a body that ended in an error.
fn why_a_body_ended(error: &Error) -> ErrorCode {
    match error {
        Error::HttpResponseBodySize(limit) => ErrorCode::HttpResponseBodySize(*limit),
        Error::HttpResponseTimeout => ErrorCode::HttpResponseTimeout,
        Error::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
        Error::Hyper(error) if error.is_timeout() => ErrorCode::HttpResponseTimeout,
        Error::Hyper(error) if error.is_incomplete_message() => ErrorCode::HttpResponseIncomplete,
        _ => ErrorCode::HttpProtocolError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_include_what_they_say_and_nothing_else() {
        for (destination, uri, included) in [
            ("example.com", "http://example.com/x", true),
            ("example.com", "https://example.com/x", true),
            ("example.com", "https://example.com:8443/x", false),
            ("example.com:*", "https://EXAMPLE.com:8443/x", true),
            ("https://example.com", "http://example.com/", false),
            ("http://127.0.0.1:8288", "http://127.0.0.1:8288/health", true),
            ("http://127.0.0.1:8288", "http://127.0.0.1:8289/health", false),
            ("*.example.com", "https://api.example.com/", true),
            ("*.example.com", "https://example.com/", false),
            ("*.example.com", "https://badexample.com/", false),
            ("*:*", "http://[::1]:99/", true),
            ("[::1]:99", "http://[::1]:99/", true),
            ("127.0.0.1", "http://127.0.0.1.example.com/", false),
            ("example.com", "http://example.com@evil.test/", false),
        ] {
            let parsed: Destination = destination.parse().expect(destination);
            let uri: ::http::Uri = uri.parse().expect(uri);
            assert_eq!(parsed.includes(&uri), included, "{destination} {uri}");
            assert_eq!(parsed.to_string(), destination);
        }
        for bad in ["", "ftp://x", "a b", "x:port", "*x.com", "http://", "a*b"] {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
    }
}
