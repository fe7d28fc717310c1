//! One request, from the grant to the answer.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use protocol::step::StepName;
use runtime::Caller;
use runtime::capability::{Denials, Outbound};
use runtime::placement::Capability;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::answer::{Allowed, Answer, Held};
use super::denial;
use super::failure::{self, LARGEST_HEAD};
use super::grant::Leave;
use super::idempotency;
use super::pool::{Connection, Key, Pool};
use super::provider::Shared;
use super::secrets;
use super::target::Target;
use crate::secrets::Filler;

/// How long a connection may take, where the guest does not say.
const CONNECTING: Duration = Duration::from_secs(30);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The request as the guest knows it, to be told why it was denied.
struct Asked {
    method: Method,
    uri: Uri,
    denials: Denials,
}

impl Asked {
    fn explain(&self, why: String) {
        self.denials.add(&self.method, &self.uri, why);
    }
}

/// The use of a line, counted at the end of its request, however that comes: unless a secret or an address was refused
/// after all.
struct LineUse<'a> {
    caller: &'a Caller,
    line: Option<(usize, usize)>,
}

impl Drop for LineUse<'_> {
    fn drop(&mut self) {
        if let Some((line, method)) = self.line {
            self.caller.allowed(Capability::Http, line, &[method]);
        }
    }
}

/// What one request needs of the call that it is made in.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) caller: Caller,
    pub(crate) step: Option<StepName>,
    /// Puts the secrets of this call in the places of their placeholders.
    pub(crate) filler: Filler,
    /// When the step's time is over.
    pub(crate) until: Instant,
}

impl Exchange {
    /// Sends the request, if its component may; says why if not.
    pub(crate) async fn run(self, outbound: Outbound) -> Result<Response<WasiBody>, Error> {
        let Outbound { mut request, options, listed, denials } = outbound;
        let asked = Asked { method: request.method().clone(), uri: request.uri().clone(), denials };
        let Some(target) = Target::of(request.uri()) else {
            return Err(Error::HttpRequestUriInvalid);
        };
        let grants = self.shared.grants_of(&self.caller.component);
        let Some(leave) = Leave::for_request(grants, &target, request.method(), listed) else {
            self.denied(&asked.method, &target, "");
            asked.explain(denial::not_granted(&self.caller.component, &asked.method, &target));
            return Err(Error::HttpRequestDenied);
        };
        let mut line = LineUse { caller: &self.caller, line: leave.line };
        self.prepare(&mut request, &target, leave)?;

        let until =
            leave.within.map_or(self.until, |within| self.until.min(Instant::now() + within));
        let key = Key { origin: target.origin.clone(), private: leave.private };
        let sending = async {
            let filled = secrets::fill(request, &self.filler, &key.origin).await;
            let request = filled.map_err(|unsent| {
                if let Some(message) = unsent.message {
                    asked.explain(message);
                }
                unsent.error
            })?;
            self.send(request, key, options, until).await
        };
        let sent = timeout_at(until, sending).await;
        if let Ok(Err(Error::HttpRequestDenied | Error::DestinationIpProhibited)) = &sent {
            line.line = None;
        }
        let (response, held) = match sent {
            Err(_) => return Err(Error::HttpResponseTimeout),
            Ok(Err(error)) => {
                if matches!(error, Error::DestinationIpProhibited) {
                    self.denied(&asked.method, &target, ", at a private address");
                    let component = &self.caller.component;
                    asked.explain(denial::at_closed_address(
                        component,
                        &asked.method,
                        &target,
                        leave.private,
                    ));
                }
                return Err(error);
            }
            Ok(Ok(sent)) => sent,
        };
        let size: usize =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > LARGEST_HEAD {
            return Err(failure::too_large_a_head());
        }
        let too_large = response.body().size_hint().lower() > leave.answer;
        if too_large {
            return Err(Error::HttpResponseBodySize(Some(leave.answer)));
        }
        let allowed =
            Allowed { bytes: leave.answer, until, silence: options.between_bytes_timeout };
        Ok(response.map(|body| Answer::new(body, allowed, held).boxed_unsync()))
    }

    fn denied(&self, method: &Method, target: &Target, why: &str) {
        let origin = &target.origin;
        let what = format!("{method} {}:{}{why}", origin.host, origin.port);
        self.caller.denied(Capability::Http, self.step.as_ref(), &what);
    }

    /// Makes of the guest's request the one that is sent: to the server that was decided about, and with the headers that
    /// the host adds.
    fn prepare(
        &self,
        request: &mut Request<WasiBody>,
        target: &Target,
        leave: Leave,
    ) -> Result<(), Error> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = Uri::try_from(path).map_err(|_| Error::HttpRequestUriInvalid)?;
        let authority = HeaderValue::from_str(&target.origin.authority())
            .map_err(|_| Error::HttpRequestUriInvalid)?;
        *request.uri_mut() = path;
        let changes = matches!(
            *request.method(),
            Method::POST | Method::PUT | Method::PATCH | Method::DELETE
        );
        let headers = request.headers_mut();
        headers.insert(HOST, authority);
        if leave.idempotency && changes && !headers.contains_key(IDEMPOTENCY_KEY) {
            headers.insert(IDEMPOTENCY_KEY, idempotency::key(self.caller.run, self.step.as_ref()));
        }
        Ok(())
    }

    /// Sends it on an idle connection of this component, or on a new one.
    async fn send(
        &self,
        mut request: Request<WasiBody>,
        key: Key,
        options: RequestOptions,
        until: Instant,
    ) -> Result<(Response<hyper::body::Incoming>, Held), Error> {
        let pool = self.shared.pools.of(&self.caller.component);
        let patience = options.connect_timeout.unwrap_or(CONNECTING);
        let connected = until.min(Instant::now() + patience);
        let permit = Arc::clone(&pool.used).acquire_owned();
        let Ok(Ok(permit)) = timeout_at(connected, permit).await else {
            return Err(Error::ConnectionLimitReached);
        };
        loop {
            let (mut connection, fresh) = self.connection(&pool, &key, connected).await?;
            let answer = connection.sender.try_send_request(request);
            let answered = match options.first_byte_timeout {
                None => answer.await,
                Some(silence) => tokio::time::timeout(silence, answer)
                    .await
                    .map_err(|_| Error::ConnectionReadTimeout)?,
            };
            match answered {
                Ok(response) => {
                    let held = Held { connection, key, pool, permit };
                    return Ok((response, held));
                }
                Err(mut error) => match error.take_message() {
                    // Its server had closed it while it was idle, and nothing of the request was sent.
                    Some(unsent) if !fresh => request = unsent,
                    _ => {
                        let error = error.into_error();
                        tracing::debug!(%error, "a request was not answered");
                        return Err(failure::of_exchange(&error));
                    }
                },
            }
        }
    }

    /// A connection, and whether it is a new one.
    async fn connection(
        &self,
        pool: &Pool,
        key: &Key,
        until: Instant,
    ) -> Result<(Connection, bool), Error> {
        if let Some(connection) = pool.take(key).await {
            return Ok((connection, false));
        }
        let stream = self.shared.connector.connect(&key.origin, key.private, until).await?;
        Ok((Connection::begin(stream).await?, true))
    }
}
