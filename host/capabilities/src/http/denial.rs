//! Why a request was denied, in words that name the line of the grants that would allow it.

use http::Method;

use super::destination::Destination;
use super::target::Target;

/// How long a path may be to be told in full; longer ones are cut, and their line is that of the whole server.
const SHOWN: usize = 256;

/// No grant includes the request.
pub(crate) fn not_granted(component: &str, method: &Method, target: &Target) -> String {
    let what = what(method, target);
    if *method == Method::CONNECT {
        return format!("{what} was not sent: it asks for a tunnel, which no grant allows");
    }
    if method.as_str().chars().any(|c| c.is_ascii_lowercase()) {
        return format!(
            "{what} was not sent: the methods of grants are in capitals, so write it as {}",
            method.as_str().to_ascii_uppercase()
        );
    }
    let server = server(target);
    let exactly = format!("{server}{}", target.path);
    let covers = |to: &str| {
        target.path.len() <= SHOWN
            && !target.path.contains('*')
            && to.parse::<Destination>().is_ok_and(|to| to.includes(target))
    };
    let (to, ambiguous) = if covers(&exactly) {
        (exactly, "")
    } else if target.path.len() > SHOWN {
        (server, " (and so would one with the beginning of its path)")
    } else {
        (
            server,
            "; its path can be read in more than one way, so only the whole server can be granted",
        )
    };
    format!(
        "{what} was not sent: nothing in `http` of [components.{component}] allows it; \
         {{ to = {to:?}, methods = [\"{method}\"] }} would{ambiguous}"
    )
}

/// A grant includes it, and no address of its server is open to that grant.
pub(crate) fn at_closed_address(
    component: &str,
    method: &Method,
    target: &Target,
    private: bool,
) -> String {
    let what = what(method, target);
    if private {
        return format!(
            "{what} was not sent: its server has an address that no grant opens, such as those where clouds hand out a \
             machine's credentials"
        );
    }
    format!(
        "{what} was not sent: its server has an address of this machine or of a private network, or one that nobody may \
         reach; `private = true` in the line of `http` of [components.{component}] that allows it would open the former"
    )
}

/// Without the query, which may hold what nobody should read in a log.
fn what(method: &Method, target: &Target) -> String {
    let Target { path, .. } = target;
    // A path of a URI is ASCII.
    match path.get(..SHOWN) {
        Some(begin) if path.len() > SHOWN => format!("{method} {}{begin}…", server(target)),
        _ => format!("{method} {}{path}", server(target)),
    }
}

fn server(target: &Target) -> String {
    format!("{}://{}", target.origin.scheme.name(), target.origin.authority())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::http::Grant;
    use crate::http::grant::Leave;

    fn target(url: &str) -> Target {
        Target::of(&url.parse().expect("a URI")).expect("a target")
    }

    /// The line between the outermost braces.
    fn suggested(words: &str) -> Grant {
        #[derive(Deserialize)]
        struct File {
            http: Vec<Grant>,
        }
        let from = words.find("{ to").expect("a line");
        let to = words.rfind('}').expect("its end");
        let file: File = toml::from_str(&format!("http = [{}]", &words[from..=to])).expect(words);
        file.http.into_iter().next().expect("a grant")
    }

    #[test]
    fn the_line_that_is_named_allows_the_request() {
        for (method, url, to) in [
            ("GET", "https://a.test/v1/x?token=word", "https://a.test/v1/x"),
            ("POST", "http://A.test:8080", "http://a.test:8080/"),
            ("DELETE", "http://[::1]:81/x", "http://[::1]:81/x"),
            ("PURGE", "http://2130706433/x", "http://127.0.0.1/x"),
            ("GET", "http://a.test/in/%2e%2e/out", "http://a.test"),
            ("GET", "http://a.test/*", "http://a.test"),
        ] {
            let target = target(url);
            let method: Method = method.parse().expect("a method");
            let words = not_granted("billing", &method, &target);
            assert!(words.contains("[components.billing]") && !words.contains("word"), "{words}");
            let grants = [suggested(&words)];
            assert!(Leave::for_request(&grants, &target, &method, false).is_some(), "{words}");
            assert!(words.contains(&format!("{{ to = {to:?}, ")), "{words}");
        }
    }

    #[test]
    fn a_long_path_is_not_told_in_full() {
        let target = target(&format!("http://a.test/{}", "x".repeat(60_000)));
        let words = not_granted("billing", &Method::GET, &target);
        assert!(words.len() < 600 && words.contains("x… was"), "{words}");
        let grants = [suggested(&words)];
        assert!(Leave::for_request(&grants, &target, &Method::GET, false).is_some(), "{words}");
    }

    #[test]
    fn what_no_line_would_allow_is_told_so() {
        let target = target("http://a.test/x");
        for (words, expected) in [
            (not_granted("a", &Method::CONNECT, &target), "no grant allows"),
            (not_granted("a", &"get".parse().expect("a method"), &target), "write it as GET"),
            (at_closed_address("a", &Method::GET, &target, true), "that no grant opens"),
            (at_closed_address("a", &Method::GET, &target, false), "`private = true`"),
        ] {
            assert!(words.contains(expected), "{words}");
        }
    }
}
