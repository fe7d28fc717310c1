//! A request of the gateway: the call in it, and what everything said about it must repeat.

use bytes::Bytes;
use serde::Deserialize;

use super::frames::{ExecutorRequest, ExtendLease, RequestAck};
use super::link::Session;
use crate::call::{Attempt, CallError, Route, Terms};
use crate::handback::hand_back;
use crate::reply::Reply;
use crate::signature::Verified;
use crate::trace::TraceContext;

/// A request as it came over a session.
#[derive(Debug, Clone)]
pub struct Request {
    /// Everything about it but the body.
    pub envelope: Envelope,
    /// The body of the call, believed because its session is.
    pub body: Verified<Bytes>,
}

/// What a request is called, and enough to answer it without its body: the worker's journal keeps it for the case that
/// the process dies.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The request without its payload.
    pub(super) request: ExecutorRequest,
    /// What a reply to it depends on besides the outcome.
    pub(super) terms: Terms,
}

impl Request {
    /// Takes a request apart.
    pub(super) fn new(mut request: ExecutorRequest, session: &Session) -> Self {
        let body = std::mem::take(&mut request.request_payload);
        let terms = terms_of(&body);
        Self { envelope: Envelope { request, terms }, body: Verified::over_session(body, session) }
    }
}

/// Which attempt a body says it is, and which version. One that cannot be read counts as the last attempt: nothing is
/// handed back on its account.
fn terms_of(body: &[u8]) -> Terms {
    #[derive(Deserialize)]
    struct Body {
        ctx: Context,
        #[serde(default = "undecided")]
        version: i32,
    }
    #[derive(Deserialize)]
    struct Context {
        #[serde(default)]
        attempt: u32,
        max_attempts: Option<u32>,
    }
    fn undecided() -> i32 {
        -1
    }
    match serde_json::from_slice(body) {
        Ok(Body { ctx: Context { attempt, max_attempts }, version }) => {
            let most = max_attempts.unwrap_or(Attempt::DEFAULT);
            Terms { attempt: Attempt { number: attempt, most }, version }
        }
        Err(_) => Terms { attempt: Attempt { number: 0, most: 1 }, version: undecided() },
    }
}

impl Envelope {
    /// The request's id.
    pub fn id(&self) -> &str {
        &self.request.request_id
    }

    /// The slug of the function that is called.
    pub fn slug(&self) -> &str {
        &self.request.function_slug
    }

    /// The trace that the call belongs to, if it belongs to one.
    pub fn trace(&self) -> Option<TraceContext> {
        TraceContext::from_json(&self.request.user_trace_ctx)
    }

    /// The run's id, as text.
    pub fn run(&self) -> &str {
        &self.request.run_id
    }

    /// The lease it came with.
    pub fn lease(&self) -> &str {
        &self.request.lease_id
    }

    /// What a reply to it depends on besides the outcome.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Which function and which step are meant.
    pub fn route(&self) -> Result<Route, CallError> {
        Route::new(&self.request.function_slug, self.request.step_id.as_deref())
    }

    /// The reply that gives it back to the server unfinished; none where it has to finish. See
    /// [`crate::handback::hand_back`].
    pub fn hand_back(&self, fresh: &str, reason: &str) -> Option<Reply> {
        // A step that is no hash has never been a discovery call, and no answer to it is safe but the error it gets.
        let route = self.route().ok()?;
        hand_back(route.target.as_ref(), self.terms, fresh, reason)
    }

    /// Says that this worker has taken it.
    pub fn ack(&self) -> RequestAck {
        let of = self.request.clone();
        RequestAck {
            request_id: of.request_id,
            account_id: of.account_id,
            env_id: of.env_id,
            app_id: of.app_id,
            function_slug: of.function_slug,
            step_id: of.step_id,
            system_trace_ctx: of.system_trace_ctx,
            user_trace_ctx: of.user_trace_ctx,
            run_id: of.run_id,
        }
    }

    /// Asks for more time under its latest lease.
    pub fn extend(&self, lease: &str) -> ExtendLease {
        let of = self.request.clone();
        ExtendLease {
            request_id: of.request_id,
            account_id: of.account_id,
            env_id: of.env_id,
            app_id: of.app_id,
            function_slug: of.function_slug,
            step_id: of.step_id,
            system_trace_ctx: of.system_trace_ctx,
            user_trace_ctx: of.user_trace_ctx,
            run_id: of.run_id,
            lease_id: lease.to_owned(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::StepId;

    /// A request of the app `bus`.
    pub(in crate::connect) fn executor_request(id: &str, step: Option<&str>) -> ExecutorRequest {
        ExecutorRequest {
            request_id: id.to_owned(),
            account_id: "account".to_owned(),
            env_id: "env".to_owned(),
            app_id: "app".to_owned(),
            app_name: "bus".to_owned(),
            function_id: "function".to_owned(),
            function_slug: "bus-five".to_owned(),
            step_id: step.map(str::to_owned),
            request_payload: Bytes::from_static(
                br#"{"ctx":{"attempt":1,"max_attempts":3},"version":1}"#,
            ),
            system_trace_ctx: Bytes::from_static(br#"{"traceparent":"00-1-2-01"}"#),
            user_trace_ctx: Bytes::from_static(br#"{"traceparent":"00-3-4-01"}"#),
            run_id: "01M81GXW71CEV7JQT6T4T8NAKZ".to_owned(),
            lease_id: "01M81GEH2NXAJFC1G2XF3K4RVH".to_owned(),
            job_id: "job".to_owned(),
        }
    }

    pub(in crate::connect) fn request(id: &str, step: Option<&str>) -> Request {
        Request::new(executor_request(id, step), &Session::for_test())
    }

    #[test]
    fn the_call_and_its_route_come_out_and_the_rest_is_echoed_to_the_byte() {
        let target = StepId::hash("a");
        for (step, expected) in
            [(None, None), (Some("step"), None), (Some(&*target.to_string()), Some(target))]
        {
            let Request { envelope, body } = request("r", step);
            let route = envelope.route().expect("a route");
            assert_eq!((route.slug.as_str(), route.target), ("bus-five", expected));
            let attempt = Attempt { number: 1, most: 3 };
            assert_eq!(envelope.terms(), Terms { attempt, version: 1 });
            assert!(body.body().starts_with(b"{\"ctx\"") && body.key().is_none());
            let sent = executor_request("r", step);
            let ack = envelope.ack();
            assert_eq!(ack.system_trace_ctx, sent.system_trace_ctx);
            assert_eq!(ack.user_trace_ctx, sent.user_trace_ctx);
            assert_eq!((ack.request_id, ack.step_id), (sent.request_id, sent.step_id));
            let extension = envelope.extend("01M81GEH2NXAJFC1G2XF3K4RVZ");
            assert_eq!(extension.lease_id, "01M81GEH2NXAJFC1G2XF3K4RVZ");
            assert_eq!((extension.run_id, extension.app_id), (sent.run_id, sent.app_id));
        }
    }

    #[test]
    fn what_cannot_be_read_is_never_handed_back() {
        let broken = request("r", Some("nope"));
        assert!(broken.envelope.route().is_err());
        assert_eq!(broken.envelope.hand_back("x", "stopping"), None);
        let mut message = executor_request("r", Some(&StepId::hash("a").to_string()));
        message.request_payload = Bytes::from_static(b"not a call");
        let unread = Request::new(message, &Session::for_test());
        assert!(unread.envelope.terms().attempt.is_last());
        assert_eq!(unread.envelope.hand_back("x", "stopping"), None);
    }
}
