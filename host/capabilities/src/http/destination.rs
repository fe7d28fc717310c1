//! The form of a destination, and what it includes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use url::Host;

use super::path::PathRule;
use super::target::{Scheme, Target, decimal, host_of, split_port};

/// Where requests may go: `https://api.example.com/v1/**`.
///
/// The scheme is written; the host may begin with `*.` for all names below one, or be `*`; without a port it is the scheme's
/// own, and `*` is any. `*` stands for one part of the path, `/**` at its end for everything below; without a path all of
/// them are meant.
///
/// ```
/// use capabilities::http::Destination;
/// assert!("https://*.example.com/v1/**".parse::<Destination>().is_ok());
/// assert!("example.com".parse::<Destination>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    scheme: Scheme,
    host: HostRule,
    /// None for any.
    port: Option<u16>,
    path: PathRule,
    written: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostRule {
    Any,
    /// The names below this one, which begins with a dot.
    Below(String),
    Exactly(Host<String>),
}

/// Why a text is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{written:?} is no destination: {fault}. Write http:// or https://, a host and what else it needs, as in https://*.example.com:8443/v1/**"
)]
pub struct DestinationError {
    written: String,
    fault: &'static str,
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        parse(text)
            .map_err(|fault| DestinationError { written: text.chars().take(120).collect(), fault })
    }
}

fn parse(text: &str) -> Result<Destination, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
    let scheme = Scheme::named(scheme).ok_or("its scheme is neither http nor https")?;
    if rest.contains(['?', '#']) {
        return Err("a query or a fragment cannot be granted");
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("it names a user");
    }
    let (host, port) = split_port(authority).ok_or("its host is none")?;
    let port = match port {
        None => Some(scheme.own_port()),
        Some("*") => None,
        Some(port) => Some(decimal(port).ok_or("its port is none")?),
    };
    let host = match host.strip_prefix("*.") {
        _ if host == "*" => HostRule::Any,
        Some(name) => match host_of(name) {
            Some(Host::Domain(name)) => HostRule::Below(format!(".{name}")),
            _ => return Err("what follows *. is no name"),
        },
        None => HostRule::Exactly(host_of(host).ok_or("its host is none")?),
    };
    let path = match path {
        "" => PathRule::Any,
        path => PathRule::parse(path)
            .ok_or("its path is none, or has a star that stands for less than a part")?,
    };
    Ok(Destination { scheme, host, port, path, written: text.to_owned() })
}

impl Destination {
    /// Whether requests to this URI may go there, as far as this destination says: the method, the address behind the name
    /// and the other keys of a grant are not asked. A URI that can be read in more than one way goes nowhere.
    ///
    /// ```
    /// use capabilities::http::Destination;
    /// let to: Destination = "https://a.test/v1/**".parse()?;
    /// assert!(to.allows(&"https://A.test:443/v1/x".parse()?));
    /// assert!(!to.allows(&"https://a.test/v1/%2e%2e/x".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allows(&self, uri: &::http::Uri) -> bool {
        Target::of(uri).is_some_and(|target| self.includes(&target))
    }

    /// Whether a request goes there.
    pub(crate) fn includes(&self, target: &Target) -> bool {
        let origin = &target.origin;
        let host = match (&self.host, &origin.host) {
            (HostRule::Any, _) => true,
            (HostRule::Below(suffix), Host::Domain(name)) => name.ends_with(suffix.as_str()),
            (HostRule::Below(_), _) => false,
            (HostRule::Exactly(own), host) => own == host,
        };
        host && self.scheme == origin.scheme
            && self.port.is_none_or(|port| port == origin.port)
            && self.path.includes(&target.path)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_include_what_they_say_and_nothing_else() {
        for (destination, uri, included) in [
            ("https://a.test", "https://a.test/x/y?z", true),
            ("https://a.test", "http://a.test/", false),
            ("https://a.test", "https://a.test:443/", true),
            ("https://a.test", "https://a.test:8443/", false),
            ("https://a.test:443", "https://a.test/", true),
            ("https://a.test:*", "https://a.test:8443/", true),
            ("https://A.test", "https://a.TEST./", true),
            ("https://a.test.", "https://a.test/", true),
            ("https://bücher.test", "https://xn--bcher-kva.test/", true),
            ("https://a.test", "https://a.test.evil.test/", false),
            ("https://a.test", "https://evil-a.test/", false),
            ("https://*.a.test", "https://b.a.test/", true),
            ("https://*.a.test", "https://c.b.a.test/", true),
            ("https://*.a.test", "https://a.test/", false),
            ("https://*.a.test", "https://ba.test/", false),
            ("https://*.0.0.test", "https://1.0.0.test/", true),
            ("http://*:*", "http://[::1]:99/", true),
            ("http://127.0.0.1", "http://2130706433/", true),
            ("http://127.0.0.1", "http://[::ffff:127.0.0.1]/", false),
            ("http://[::1]", "http://[0:0::1]/", true),
            ("https://a.test/v1/**", "https://a.test/v1/x?y=../z", true),
            ("https://a.test/v1/**", "https://a.test/v1/../v2", false),
            ("https://a.test/", "https://a.test", true),
            ("https://a.test/", "https://a.test/x", false),
        ] {
            let parsed: Destination = destination.parse().expect(destination);
            let uri: ::http::Uri = uri.parse().expect(uri);
            let target = Target::of(&uri).expect("a target");
            assert_eq!(parsed.includes(&target), included, "{destination} {uri}");
            assert_eq!(parsed.to_string(), destination);
        }
    }

    #[test]
    fn what_is_no_destination_is_refused_with_a_reason() {
        for (bad, why) in [
            ("", "no scheme"),
            ("a.test", "no scheme"),
            ("ftp://a.test", "neither http nor https"),
            ("HTTP://a.test", "neither http nor https"),
            ("https://", "host is none"),
            ("https:///x", "host is none"),
            ("https://user@a.test", "a user"),
            ("https://a.test?x", "a query"),
            ("https://a.test/#x", "fragment"),
            ("https://a b", "host is none"),
            ("https://a*.test", "host is none"),
            ("https://*a.test", "host is none"),
            ("https://*.127.0.0.1", "no name"),
            ("https://*.", "no name"),
            ("https://a.test:0", "port"),
            ("https://a.test:x", "port"),
            ("https://a.test/x*", "a star"),
            ("https://a.test/**/x", "a star"),
            ("https://a.test/../x", "path is none"),
        ] {
            let error = bad.parse::<Destination>().expect_err(bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
