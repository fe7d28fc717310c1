//! Who may use the routes for operators.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq;

use super::{page, refusal};

/// Who may use the routes for operators.
#[derive(Clone, Default)]
pub struct Access {
    /// The token that has to come with a request.
    token: Option<Arc<str>>,
    /// Whether a caller on this machine needs none.
    loopback: bool,
}

/// The token stays out of logs.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("token", &self.token.is_some())
            .field("loopback", &self.loopback)
            .finish()
    }
}

/// What proxies add. Some add nothing, which cannot be told from a caller on this machine: docs/deploying.md says so.
const PASSED_ON: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

impl Access {
    /// For whoever has this token, and for callers on this machine too where `loopback` says so.
    pub fn token(token: &str, loopback: bool) -> Self {
        Self { token: Some(token.into()), loopback }
    }

    /// For callers on this machine only.
    pub fn loopback() -> Self {
        Self { token: None, loopback: true }
    }

    /// For nobody.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Lets nobody else pass to these routes.
    pub fn guard(&self, routes: axum::Router) -> axum::Router {
        routes.layer(axum::middleware::from_fn_with_state(self.clone(), guard))
    }

    /// Whether a request may pass; else what it is told.
    fn admits(
        &self,
        from: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<(), (StatusCode, &'static str)> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer "));
        if let (Some(token), Some(given)) = (&self.token, given) {
            return if bool::from(token.as_bytes().ct_eq(given.trim().as_bytes())) {
                Ok(())
            } else {
                Err((StatusCode::UNAUTHORIZED, "the token is not this worker's"))
            };
        }
        if !(self.loopback && from.ip().to_canonical().is_loopback()) {
            return Err(match self.token {
                Some(_) => (
                    StatusCode::UNAUTHORIZED,
                    "send the worker's token as `Authorization: Bearer …`",
                ),
                None => (
                    StatusCode::FORBIDDEN,
                    "this worker has no token for operators, so it takes such requests from its own machine only; set SYSTEM_BUS_ADMIN_TOKEN",
                ),
            });
        }
        // A browser on this machine runs the pages of strangers, which may send requests here, and may have their own
        // name resolve to this address.
        let foreign = headers.contains_key(ORIGIN) || !names_loopback(headers);
        // A proxy on this machine passes on what others ask.
        if PASSED_ON.iter().any(|header| headers.contains_key(*header)) {
            return Err((
                StatusCode::FORBIDDEN,
                "this request was passed on by a proxy, so it needs the worker's token; set SYSTEM_BUS_ADMIN_TOKEN",
            ));
        }
        if foreign {
            return Err((
                StatusCode::FORBIDDEN,
                "a request without a token must not come from a web page, and must name this machine as localhost or by its loopback address",
            ));
        }
        Ok(())
    }
}

/// Whether the request was sent to `localhost` or a loopback address by name.
fn names_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return true };
    let Ok(url) = url::Url::parse(&format!("http://{host}/")) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Lets a request pass, or refuses it.
pub(super) async fn guard(
    State(access): State<Access>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match access.admits(from, request.headers()) {
        Ok(()) => next.run(request).await,
        Err((status, message)) => {
            tracing::warn!(%from, path = request.uri().path(), message, "refused a request of an operator");
            let mut response = refusal(status, "refused", message);
            if status == StatusCode::UNAUTHORIZED {
                let bearer = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            }
            response
        }
    }
}

/// Lets a request for the page pass, or refuses it so that a browser asks for the token.
pub(super) async fn guard_page(
    State(access): State<Access>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match access.admits(from, &page::with_token(request.headers())) {
        Ok(()) => page::with_headers(next.run(request).await),
        Err((status, message)) => {
            tracing::warn!(%from, path = request.uri().path(), message, "refused the page");
            let mut response = refusal(status, "refused", message);
            if status == StatusCode::UNAUTHORIZED {
                response
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static(page::ASKS));
            }
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_pass() {
        let here: SocketAddr = "127.0.0.1:5000".parse().expect("an address");
        let mapped: SocketAddr = "[::ffff:127.0.0.1]:5000".parse().expect("an address");
        let there: SocketAddr = "192.0.2.1:5000".parse().expect("an address");
        let both = Access::token("secret", true);
        let token = Access::token("secret", false);
        let (local, nobody) = (Access::loopback(), Access::nobody());
        let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
        let header = |name, value: &str| vec![(name, value.to_owned())];
        for (access, from, headers, status) in [
            (&token, there, bearer("secret"), 200),
            (&token, here, vec![], 401),
            (&token, here, bearer("secre"), 401),
            (&both, here, vec![], 200),
            (&both, here, bearer("wrong"), 401),
            (&both, there, vec![], 401),
            (&local, here, vec![], 200),
            (&local, mapped, header("host", "localhost:3111"), 200),
            (&local, here, header("host", "[::1]:3111"), 200),
            (&local, here, header("host", "rebound.example:3111"), 403),
            (&local, here, header("origin", "http://evil.example"), 403),
            (&local, here, header("x-forwarded-for", "192.0.2.1"), 403),
            (&local, here, header("forwarded", "for=192.0.2.1"), 403),
            (&both, here, [header("via", "1.1 proxy"), bearer("secret")].concat(), 200),
            (&local, there, vec![], 403),
            (&nobody, here, vec![], 403),
        ] {
            let headers: HeaderMap = headers
                .into_iter()
                .map(|(name, value)| {
                    let name = axum::http::HeaderName::from_static(name);
                    (name, HeaderValue::try_from(value).expect("a value"))
                })
                .collect();
            let admitted = access.admits(from, &headers).map_or_else(|(s, _)| s.as_u16(), |()| 200);
            assert_eq!(admitted, status, "{access:?} {from} {headers:?}");
        }
    }
}
