//! What the operator says of requests.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::destination::Destination;
use super::target::Target;
use crate::grants::{Size, Time};

/// How many bytes an answer may have where the grant does not say.
const ANSWER: Size = Size::of(16 << 20);

/// The methods that are counted apart where a grant names none.
const USUAL: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A destination, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Where to: a scheme, a host (`*.` before it for the names below it), a port if it is not the scheme's own, and a path
    /// (`*` for one part of it, `**` at its end for any). Without a path, every path of that server.
    pub to: Destination,
    /// With which methods; any, unless some are named.
    #[serde(default)]
    pub methods: Vec<Method>,
    /// Whether its address may be one of this machine or of a private network.
    #[serde(default)]
    pub private: bool,
    /// How many bytes an answer may have; 16 MiB unless said otherwise.
    pub answer: Option<Size>,
    /// How long a request may take, until the last byte of its answer, where the step leaves more.
    pub within: Option<Time>,
    /// Whether requests that change something get an `idempotency-key`, where the component has set none.
    #[serde(default = "yes")]
    pub idempotency: bool,
}

fn yes() -> bool {
    true
}

/// A method of HTTP by its name: `GET`. `CONNECT`, which asks for a tunnel and not for an answer, is none here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(::http::Method);

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let capital = |c: char| c.is_ascii_uppercase() || c == '-';
        let method = ::http::Method::from_bytes(text.as_bytes()).ok();
        match method.filter(|method| text.chars().all(capital) && !tunnels(method)) {
            Some(method) => Ok(Self(method)),
            None => Err(de::Error::custom(format!(
                "{text:?} is no method that can be granted: write one such as GET, POST or DELETE, in capitals"
            ))),
        }
    }
}

fn tunnels(method: &::http::Method) -> bool {
    method == ::http::Method::CONNECT
}

/// What a request may do: the first grant that includes it, or that of a destination which is open to every component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leave {
    /// The number of the grant among those of the component, and that of the method in it; none where every component has
    /// the destination.
    pub(crate) line: Option<(usize, usize)>,
    /// Whether private addresses are among its own.
    pub(crate) private: bool,
    /// How many bytes the answer may have.
    pub(crate) answer: u64,
    /// How long it may take, if less than the step.
    pub(crate) within: Option<Duration>,
    /// Whether it gets an `idempotency-key`.
    pub(crate) idempotency: bool,
}

impl Leave {
    /// Decides about a request. `listed` says that its destination is open to every component.
    pub(crate) fn for_request(
        grants: &[Grant],
        target: &Target,
        method: &::http::Method,
        listed: bool,
    ) -> Option<Self> {
        if tunnels(method) {
            return None;
        }
        let mut own = grants.iter().enumerate();
        let own = own.find(|(_, grant)| grant.includes(target, method));
        let own = own.map(|(line, grant)| grant.leave((line, grant.part(method))));
        own.or_else(|| {
            listed.then_some(Self {
                line: None,
                private: true,
                answer: ANSWER.bytes(),
                within: None,
                idempotency: true,
            })
        })
    }
}

impl Grant {
    /// What methods are counted as that have no count of their own.
    pub(crate) const OTHER: &str = "other";

    /// The methods whose requests are counted apart; beside them there is [`Self::OTHER`] where any may be used.
    pub(crate) fn counted(&self) -> Vec<&str> {
        if self.methods.is_empty() {
            return USUAL.to_vec();
        }
        self.methods.iter().map(|Method(method)| method.as_str()).collect()
    }

    /// The place of a method among those that are counted.
    fn part(&self, method: &::http::Method) -> usize {
        let counted = self.counted();
        counted.iter().position(|own| *own == method.as_str()).unwrap_or(counted.len())
    }

    fn includes(&self, target: &Target, method: &::http::Method) -> bool {
        let by_method =
            self.methods.is_empty() || self.methods.iter().any(|Method(own)| own == method);
        by_method && self.to.includes(target)
    }

    fn leave(&self, line: (usize, usize)) -> Leave {
        Leave {
            line: Some(line),
            private: self.private,
            answer: self.answer.unwrap_or(ANSWER).bytes(),
            within: self.within.map(Time::duration),
            idempotency: self.idempotency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Result<Vec<Grant>, toml::de::Error> {
        #[derive(Deserialize)]
        struct File {
            http: Vec<Grant>,
        }
        toml::from_str::<File>(text).map(|file| file.http)
    }

    #[test]
    fn the_first_grant_that_includes_a_request_decides() {
        let grants = grants(
            r#"http = [
                { to = "https://a.test/in/**", methods = ["GET", "HEAD"], answer = "1KiB" },
                { to = "https://a.test", methods = ["POST"], private = true, within = "2s", idempotency = false },
            ]"#,
        )
        .expect("grants");
        let leave = |url: &str, method: &str, listed| {
            let uri: ::http::Uri = url.parse().expect("a URI");
            let target = Target::of(&uri).expect("a target");
            let method = method.parse().expect("a method");
            Leave::for_request(&grants, &target, &method, listed).map(|leave| {
                (leave.private, leave.answer, leave.within.is_some(), leave.idempotency)
            })
        };
        for (url, method, listed, expected) in [
            ("https://a.test/in/x", "GET", false, Some((false, 1024, false, true))),
            ("https://a.test/in/x", "POST", false, Some((true, 16 << 20, true, false))),
            ("https://a.test/out", "GET", false, None),
            ("https://a.test/in/x", "DELETE", false, None),
            ("https://a.test/in/x", "DELETE", true, Some((true, 16 << 20, false, true))),
            ("https://a.test/in/x", "CONNECT", true, None),
            ("http://a.test/in/x", "GET", false, None),
        ] {
            assert_eq!(leave(url, method, listed), expected, "{method} {url} {listed}");
        }
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for bad in [
            r#"http = [{ to = "a.test" }]"#,
            r#"http = [{ to = "https://a.test", methods = ["get"] }]"#,
            r#"http = [{ to = "https://a.test", methods = ["CONNECT"] }]"#,
            r#"http = [{ to = "https://a.test", methods = [""] }]"#,
            r#"http = [{ to = "https://a.test", within = "0s" }]"#,
            r#"http = [{ to = "https://a.test", anything = true }]"#,
            r"http = [{ private = true }]",
        ] {
            assert!(grants(bad).is_err(), "{bad}");
        }
    }
}
