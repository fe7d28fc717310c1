//! Where a request goes, in one spelling: what rules are compared with, and what connections are made to.

use std::fmt;

use url::Host;

/// The two schemes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(crate) fn own_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A server, in the one spelling of its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
}

/// A server, and the path there as the guest wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) origin: Origin,
    pub(crate) path: String,
}

impl Target {
    /// Takes a URI apart. None for one that names no server, or names it in a way that is read in more than one way: with
    /// a user, with a port that is none, with an empty label, with another scheme.
    pub(crate) fn of(uri: &::http::Uri) -> Option<Self> {
        let scheme = Scheme::named(uri.scheme_str()?)?;
        let authority = uri.authority()?.as_str();
        if authority.contains('@') {
            return None;
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None => scheme.own_port(),
            Some(port) => decimal(port)?,
        };
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        let host = host_of(host)?;
        path.starts_with('/')
            .then(|| Self { origin: Origin { scheme, host, port }, path: path.to_owned() })
    }
}

impl Origin {
    /// The value of the `host` header: without the port where it is the scheme's own.
    pub(crate) fn authority(&self) -> String {
        if self.port == self.scheme.own_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.name(), self.host, self.port)
    }
}

/// `host[:port]`, apart. The colons within the brackets of an IPv6 address begin no port; an empty port is none.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let after = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(after);
    match rest.strip_prefix(':') {
        None => rest.is_empty().then_some((host, None)),
        Some(port) => Some((host, Some(port))),
    }
}

/// A port other than 0, in digits alone.
pub(crate) fn decimal(port: &str) -> Option<u16> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| port.parse().ok()).flatten().filter(|port| *port != 0)
}

/// A host in its one spelling: lower case, punycode, without a dot at its end; addresses as addresses, however they were
/// written. What browsers hold to be an address is one here: `0x7f.1` is 127.0.0.1.
pub(crate) fn host_of(text: &str) -> Option<Host<String>> {
    match Host::parse(text).ok()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let label = |label: &str| (1..=63).contains(&label.len()) && label.chars().all(letter);
            let labels = name.split('.').all(label);
            // With the dot, the last label was none of a number's.
            match Host::parse(name) {
                Ok(Host::Domain(name)) if labels && name.len() <= 253 => Some(Host::Domain(name)),
                _ => None,
            }
        }
        address => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_server_is_one() {
        for (uri, expected) in [
            ("http://a.test", Some("http://a.test:80 /")),
            ("https://A.Test:443/x?y", Some("https://a.test:443 /x")),
            ("http://a.test.:8080/", Some("http://a.test:8080 /")),
            ("http://xn--bcher-kva.test/", Some("http://xn--bcher-kva.test:80 /")),
            ("http://XN--BCHER-KVA.test/", Some("http://xn--bcher-kva.test:80 /")),
            ("http://[::1]/", Some("http://[::1]:80 /")),
            ("http://[0:0:0:0:0:FFFF:7f00:1]:99/", Some("http://[::ffff:7f00:1]:99 /")),
            ("http://[::ffff:127.0.0.1]/", Some("http://[::ffff:7f00:1]:80 /")),
            ("http://2130706433/", Some("http://127.0.0.1:80 /")),
            ("http://0x7f000001/", Some("http://127.0.0.1:80 /")),
            ("http://0177.0.0.1/", Some("http://127.0.0.1:80 /")),
            ("http://0x7f.1/", Some("http://127.0.0.1:80 /")),
            ("http://127.0.0.1./", Some("http://127.0.0.1:80 /")),
            ("http://a.test@evil.test/", None),
            ("http://user:word@a.test/", None),
            ("http://a.test:0/", None),
            ("http://a..test/", None),
            ("http://a.test../", None),
            ("http://1.2.3.4.5/", None),
            ("http://a.1/", None),
            ("http://xn--a/", None),
            ("ftp://a.test/", None),
            ("/x", None),
        ] {
            let parsed: ::http::Uri = uri.parse().expect(uri);
            let target =
                Target::of(&parsed).map(|target| format!("{} {}", target.origin, target.path));
            assert_eq!(target.as_deref(), expected, "{uri}");
        }
    }

    #[test]
    fn a_port_is_split_off_in_one_way() {
        for (authority, expected) in [
            ("a", Some(("a", None))),
            ("a:1", Some(("a", Some("1")))),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:1", Some(("[::1]", Some("1")))),
            ("[::1]1", None),
            ("[::1", None),
            ("a:1:2", Some(("a", Some("1:2")))),
        ] {
            assert_eq!(split_port(authority), expected, "{authority}");
        }
        for bad in ["", "0", "+1", "65536", "1:2", "١"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }
}
