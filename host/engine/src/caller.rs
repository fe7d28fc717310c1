//! Makes the calls: over HTTP here, over Connect by the gateway.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::Either;
use jiff::Timestamp;
use protocol::header;
use protocol::signature::SigningKey;
use protocol::trace;
use reqwest::{Client, Response};

use crate::call::Order;
use crate::error::EngineError;
use crate::gateway::{Gateway, Outcome};
use crate::reply::{Answer, Reply};
use crate::trace_context::TraceContext;

/// How long a call may take, as on the real server.
const LONGEST_CALL: Duration = Duration::from_hours(2);
/// The largest reply taken in.
const LARGEST_REPLY: usize = 8 * 1024 * 1024;

/// Makes the calls; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    client: Client,
    key: Option<SigningKey>,
    kind: &'static str,
    gateway: Arc<Gateway>,
}

impl Caller {
    /// A client that keeps its connections, or makes a new one for every call; and the way to workers that dialled in.
    pub(crate) fn new(
        key: Option<SigningKey>,
        kind: &'static str,
        keep_alive: bool,
        gateway: Arc<Gateway>,
    ) -> Result<Self, EngineError> {
        let fault = |reason: String| EngineError::Client(reason);
        // Calls go to plain `http` URLs only, so this trusts nobody. It is here because a client of this build cannot
        // be made without a TLS configuration, and the process-wide one is not the engine's to install.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(error.to_string()))?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .user_agent("Inngest")
            .timeout(LONGEST_CALL)
            .pool_max_idle_per_host(if keep_alive { usize::MAX } else { 0 })
            .build()
            .map_err(|error| fault(error.to_string()))?;
        Ok(Self { client, key, kind, gateway })
    }

    /// What calls over HTTP are made with.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The way to workers that dialled in.
    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Makes one call. Over Connect it is on its way, and has its slot, when this returns; what is returned waits.
    pub(crate) fn call(&self, order: Order) -> impl Future<Output = Outcome> + Send + use<> {
        if order.is_connect() {
            Either::Left(self.gateway.call(order))
        } else {
            let caller = self.clone();
            Either::Right(async move { Outcome::Replied(caller.post(order).await) })
        }
    }

    async fn post(&self, order: Order) -> Reply {
        let body = Bytes::from(order.body);
        let mut request = self.client.post(order.url).header(header::SERVER_KIND, self.kind);
        let TraceContext { parent, state } = TraceContext::of(&order.names);
        request = request.header(trace::PARENT, parent).header(trace::STATE, state);
        for (name, value) in order.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header(header::SIGNATURE, key.sign(&body, Timestamp::now()));
        }
        match request.body(body).send().await {
            Ok(response) => read(response).await,
            Err(error) => Reply::Unreachable(explain(&error)),
        }
    }
}

async fn read(mut response: Response) -> Reply {
    let text = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let mut answer = Answer {
        status: response.status().as_u16(),
        sdk: text(header::SDK).is_some(),
        version: text(header::REQUEST_VERSION).and_then(|text| text.parse().ok()),
        no_retry: text(header::NO_RETRY).is_some_and(|text| text.eq_ignore_ascii_case("true")),
        retry_after: text(header::RETRY_AFTER),
        body: Bytes::new(),
    };
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_REPLY => return Reply::TooLarge,
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Reply::Unreachable(explain(&error)),
        }
    }
    answer.body = body.freeze();
    Reply::Answered(answer)
}

/// An error with what caused it, to the last: the first one alone says only that sending failed.
pub(crate) fn explain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
