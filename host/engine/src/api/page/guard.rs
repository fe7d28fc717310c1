//! Who may use the page: somebody at this machine, with a browser that came here by itself.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Refused, with_headers};
use crate::api::{Shared, is_local};

/// Lets a request pass, or refuses it.
pub(super) async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if let Err(message) = comes_from_here(request.method(), headers) {
        return Refused::new(StatusCode::FORBIDDEN, message).into_response();
    }
    if let Some(key) = shared.access.signing_key.as_ref().filter(|_| shared.page.guarded)
        && !token(headers).is_some_and(|token| key.accepts_bearer(&token))
    {
        let message = "Give the engine's signing key as the password; any name will do.";
        let mut response = Refused::new(StatusCode::UNAUTHORIZED, message).into_response();
        let asks = HeaderValue::from_static("Basic realm=\"system-bus engine\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, asks);
        return response;
    }
    with_headers(next.run(request).await)
}

/// The password of a browser, or the token of a program.
fn token(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    if let Some(token) = given.strip_prefix("Bearer ") {
        return Some(token.to_owned());
    }
    let pair = BASE64_STANDARD.decode(given.strip_prefix("Basic ")?.trim()).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// Whether a request was made to this machine by its name, and, if it changes something, by the page itself. Any site can
/// have its own name resolve to this machine, and any site can send a form here.
fn comes_from_here(method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let host = text("host").unwrap_or_default();
    if !is_local(&format!("http://{host}/")) {
        return Err(
            "The page is shown only under the name of this machine: open it as localhost or 127.0.0.1.",
        );
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let same_site = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let same_origin = text("origin").is_none_or(|origin| origin == format!("http://{host}"));
    if same_site && same_origin {
        Ok(())
    } else {
        Err("This was sent by another page than the engine's own, so it was not done.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                ((*name).parse().expect("a name"), value.parse().expect("a value"))
            })
            .collect()
    }

    #[test]
    fn only_the_page_itself_changes_something_and_only_under_the_name_of_this_machine() {
        let here = ("host", "127.0.0.1:8288");
        let own = ("origin", "http://127.0.0.1:8288");
        for (method, pairs, passes) in [
            (Method::GET, vec![here], true),
            (Method::GET, vec![("host", "localhost:8288")], true),
            (Method::GET, vec![("host", "[::1]:8288")], true),
            (Method::GET, vec![("host", "rebound.example:8288")], false),
            (Method::GET, vec![], false),
            (Method::GET, vec![here, ("sec-fetch-site", "cross-site")], true),
            (Method::POST, vec![here, own, ("sec-fetch-site", "same-origin")], true),
            (Method::POST, vec![here], true),
            (Method::POST, vec![here, own, ("sec-fetch-site", "cross-site")], false),
            (Method::POST, vec![here, own, ("sec-fetch-site", "none")], false),
            (Method::POST, vec![here, ("origin", "http://127.0.0.1:3000")], false),
            (Method::POST, vec![here, ("origin", "null")], false),
        ] {
            let found = comes_from_here(&method, &headers(&pairs)).is_ok();
            assert_eq!(found, passes, "{method} {pairs:?}");
        }
    }

    #[test]
    fn a_browser_gives_the_key_as_a_password_and_a_program_as_a_token() {
        for (given, found) in [
            ("Bearer abc", Some("abc")),
            ("Basic bWU6YTpi", Some("a:b")),
            ("Basic OmFiYw==", Some("abc")),
            ("Basic !", None),
            ("Basic bWU=", None),
            ("Digest x", None),
        ] {
            assert_eq!(token(&headers(&[("authorization", given)])).as_deref(), found, "{given}");
        }
    }
}
