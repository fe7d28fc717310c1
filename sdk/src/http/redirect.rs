//! Where an answer sends a request on to, and as what (RFC 9110 §15.4).

use crate::http::url::Target;
use crate::http::{HttpError, HttpErrorKind, Request, Response};

/// How a placeholder of a secret begins.
const PLACEHOLDER: &str = "sb-secret-";

/// Headers that are for the server they were given for, and no other one.
const OWN: [&str; 4] = ["authorization", "cookie", "cookie2", "proxy-authorization"];

/// The request that this answer asks for; none where it is an answer in itself.
pub(super) fn next(asked: &Request, answer: &Response) -> Result<Option<Request>, HttpError> {
    let (true, Some(to)) = (redirects(answer.status), answer.header("location")) else {
        return Ok(None);
    };
    let wrong = |what: String| asked.error(HttpErrorKind::Request, what);
    let from = Target::of(asked.url()).ok_or_else(|| wrong("the URL has no server".to_owned()))?;
    let url = from.join(to.trim());
    let Some(target) = Target::of(&url) else {
        return Err(wrong(format!(
            "it was redirected to what is no URL of the form `http[s]://host[:port][/path]`: {url}"
        )));
    };
    let elsewhere = target.origin() != from.origin();
    let mut next = asked.clone();
    if becomes_get(answer.status, asked.method()) {
        next = next.into_get();
    }
    next.keep_headers(|name, value| !(elsewhere && is_own(name, value)));
    Ok(Some(next.to(url)))
}

fn redirects(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// 303 asks for something else with GET. 301 and 302 were not meant to, and every client takes them so after a POST.
fn becomes_get(status: u16, method: &str) -> bool {
    match status {
        303 => method != "HEAD",
        301 | 302 => method == "POST",
        _ => false,
    }
}

fn is_own(name: &str, value: &str) -> bool {
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) || value.contains(PLACEHOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, to: &str) -> Response {
        Response::new(status).with_header("Location", to)
    }

    #[test]
    fn methods_and_bodies_are_kept_where_the_status_says_so() {
        for (status, method, expected) in [
            (301, "GET", Some(("GET", true))),
            (301, "POST", Some(("GET", false))),
            (302, "POST", Some(("GET", false))),
            (302, "PUT", Some(("PUT", true))),
            (303, "POST", Some(("GET", false))),
            (303, "PUT", Some(("GET", false))),
            (303, "HEAD", Some(("HEAD", true))),
            (307, "POST", Some(("POST", true))),
            (308, "PATCH", Some(("PATCH", true))),
            (300, "GET", None),
            (304, "GET", None),
            (200, "GET", None),
        ] {
            let asked = Request::new(method.to_owned(), "http://a/b/c".to_owned())
                .header("Content-Type", "text/plain")
                .header("accept", "text/html")
                .body("body");
            let next = next(&asked, &answer(status, "d")).expect("a URL");
            let next = next.map(|next| {
                assert_eq!(next.url(), "http://a/b/d");
                let kept = next.body_bytes() == b"body";
                let headers: Vec<_> = next.headers().iter().map(|(name, _)| &**name).collect();
                let all: &[_] = if kept { &["Content-Type", "accept"] } else { &["accept"] };
                assert_eq!(headers, all, "{status} {method}");
                (next.method().to_owned(), kept)
            });
            let next = next.as_ref().map(|(method, kept)| (&**method, *kept));
            assert_eq!(next, expected, "{status} {method}");
        }
    }

    #[test]
    fn what_is_for_one_server_is_not_sent_to_another() {
        let token = format!("key {PLACEHOLDER}{}", "0a".repeat(16));
        let asked = Request::new("GET".to_owned(), "https://a.test/b".to_owned())
            .header("Authorization", "Bearer word")
            .header("COOKIE", "a=b")
            .header("x-key", token)
            .header("x-other", "kept");
        for (to, kept) in [
            ("/c", 4),
            ("https://A.test:443/c", 4),
            ("http://a.test/c", 1),
            ("https://a.test:444/c", 1),
            ("//b.test/c", 1),
            ("https://sub.a.test/", 1),
        ] {
            let next = next(&asked, &answer(307, to)).expect("a URL").expect("a request");
            assert_eq!(next.headers().len(), kept, "{to}");
            assert_eq!(next.headers().last().expect("it is kept").0, "x-other");
        }
    }

    #[test]
    fn without_a_place_it_is_an_answer_and_to_no_server_an_error() {
        let asked = Request::new("GET".to_owned(), "http://a/".to_owned());
        assert!(next(&asked, &Response::new(302)).expect("no error").is_none());
        for to in
            ["ftp://a/", "javascript:alert(1)", "http://user:word@a/", "file:///etc/passwd", "//"]
        {
            let error = next(&asked, &answer(302, to)).expect_err(to);
            assert_eq!(error.kind(), HttpErrorKind::Request, "{to}");
        }
    }
}
