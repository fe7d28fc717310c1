//! Where a secret may go: the pure part of the decision.

use std::fmt;
use std::net::Ipv6Addr;

use super::grant::Part;

/// An origin, or a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination(To);

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    /// Lower case, and with its port in any case.
    Origin { tls: bool, host: String, port: u16 },
    /// As the operator calls it.
    Program(String),
}

/// Why a text names no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no destination of secrets: write an origin such as https://api.github.com or https://vault.example:8200, without a path, or a program such as program:git"
)]
pub struct NoDestination(String);

impl Destination {
    /// Reads `https://host[:port]`, `http://host[:port]` or `program:NAME`.
    ///
    /// ```
    /// use capabilities::secrets::Destination;
    ///
    /// let one = Destination::parse("https://API.github.com").unwrap();
    /// assert_eq!(one, Destination::parse("https://api.github.com:443").unwrap());
    /// assert_ne!(one, Destination::parse("http://api.github.com:443").unwrap());
    /// assert!(Destination::parse("https://api.github.com/repos").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NoDestination> {
        let parsed = match text.strip_prefix("program:") {
            Some(program) => (!program.is_empty()).then(|| To::Program(program.to_owned())),
            None => origin(text),
        };
        parsed.map(Self).ok_or_else(|| NoDestination(text.to_owned()))
    }
}

fn origin(text: &str) -> Option<To> {
    let (tls, authority) = match text.split_once("://")? {
        (scheme, rest) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        (scheme, rest) if scheme.eq_ignore_ascii_case("http") => (false, rest),
        _ => return None,
    };
    let own = if tls { 443 } else { 80 };
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        (format!("[{address}]"), port.strip_prefix(':').or(port.is_empty().then_some("")))
    } else {
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if host.is_empty() || !host.chars().all(allowed) {
            return None;
        }
        (host.to_ascii_lowercase(), Some(port))
    };
    let port = match port? {
        "" if !authority.ends_with(':') => own,
        digits if digits.chars().all(|c| c.is_ascii_digit()) => {
            digits.parse().ok().filter(|&port| port != 0)?
        }
        _ => return None,
    };
    Some(To::Origin { tls, host, port })
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            To::Origin { tls: true, host, port: 443 } => write!(f, "https://{host}"),
            To::Origin { tls: false, host, port: 80 } => write!(f, "http://{host}"),
            To::Origin { tls, host, port } => {
                write!(f, "http{}://{host}:{port}", if *tls { "s" } else { "" })
            }
            To::Program(name) => write!(f, "program:{name}"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Body => "body",
            Self::Input => "input",
            Self::Variable => "variable",
        })
    }
}

/// Where the operator lets a component send one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leave {
    to: Vec<Destination>,
    parts: Vec<Part>,
}

impl Leave {
    /// The leave that a grant gives.
    pub(super) fn of(grant: &super::Grant) -> Result<Self, NoDestination> {
        let to: Result<_, _> = grant.to.iter().map(|to| Destination::parse(to)).collect();
        let parts = if grant.parts.is_empty() { vec![Part::Header] } else { grant.parts.clone() };
        Ok(Self { to: to?, parts })
    }

    /// Whether it covers this; what is missing, if it does not.
    pub(super) fn covers(&self, part: Part, to: &Destination) -> Result<(), Missing> {
        if !self.to.contains(to) {
            return Err(Missing::Destination);
        }
        if !self.parts.contains(&part) {
            return Err(Missing::Part);
        }
        Ok(())
    }

    /// The places of this destination and this part among those of the grant that are counted.
    pub(super) fn counted(&self, part: Part, to: &Destination) -> Vec<usize> {
        let to = self.to.iter().position(|own| own == to);
        let part = self.parts.iter().position(|own| *own == part);
        to.into_iter().chain(part.map(|part| self.to.len() + part)).collect()
    }
}

/// What a grant lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Destination,
    Part,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_as_origins_or_programs() {
        for (text, shown) in [
            ("https://api.github.com", Some("https://api.github.com")),
            ("HTTPS://API.GitHub.com:443", Some("https://api.github.com")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://localhost", Some("http://localhost")),
            ("https://[::1]:8443", Some("https://[::1]:8443")),
            ("https://[0:0::1]", Some("https://[::1]")),
            ("program:git", Some("program:git")),
            ("https://a.test/", None),
            ("https://a.test/path", None),
            ("https://a.test?x", None),
            ("https://user@a.test", None),
            ("https://a.test:", None),
            ("https://a.test:0", None),
            ("https://a.test:65536", None),
            ("https://a.test:+80", None),
            ("https://*.a.test", None),
            ("https://", None),
            ("https://[::1", None),
            ("https://[::1]x", None),
            ("ftp://a.test", None),
            ("a.test", None),
            ("program:", None),
            ("", None),
        ] {
            let parsed = Destination::parse(text).ok().map(|parsed| parsed.to_string());
            assert_eq!(parsed.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn a_leave_covers_its_destinations_and_parts_and_nothing_else() {
        let grant = |to: &[&str], parts: &[Part]| {
            let text = format!("name = 'key'\nto = {to:?}");
            let mut grant: super::super::Grant = toml::from_str(&text).expect("a grant");
            grant.parts = parts.to_vec();
            Leave::of(&grant).expect("a leave")
        };
        let plain = grant(&["https://a.test"], &[]);
        let wide = grant(&["https://a.test:8443", "program:git"], &[Part::Body, Part::Variable]);
        for (leave, part, to, answer) in [
            (&plain, Part::Header, "https://a.test", Ok(())),
            (&plain, Part::Header, "https://A.TEST:443", Ok(())),
            (&plain, Part::Body, "https://a.test", Err(Missing::Part)),
            (&plain, Part::Header, "http://a.test", Err(Missing::Destination)),
            (&plain, Part::Header, "https://b.a.test", Err(Missing::Destination)),
            (&plain, Part::Header, "https://a.test.evil.test", Err(Missing::Destination)),
            (&plain, Part::Header, "https://a.test:444", Err(Missing::Destination)),
            (&wide, Part::Body, "https://a.test:8443", Ok(())),
            (&wide, Part::Variable, "program:git", Ok(())),
            (&wide, Part::Input, "program:git", Err(Missing::Part)),
            (&wide, Part::Variable, "program:sh", Err(Missing::Destination)),
        ] {
            let to = Destination::parse(to).expect("a destination");
            assert_eq!(leave.covers(part, &to), answer, "{part} {to}");
        }
    }
}
