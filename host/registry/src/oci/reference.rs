//! Which component of which registry: the texts that people write.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use oci_client::Reference;

/// A reference into a registry, and what its component is called here.
///
/// `registry.example/team/check:v1` and `registry.example/team/check@sha256:…` are called `check`, after the last part of
/// the repository; `audit=registry.example/team/check:v1` is called `audit`. The name is never taken from what the
/// registry says, so that it is known while the registry is away.
///
/// ```
/// use registry::oci::ComponentReference;
///
/// let reference: ComponentReference = "registry.example/team/check:v1".parse().unwrap();
/// assert_eq!(reference.name(), "check");
/// assert!("check:v1".parse::<ComponentReference>().is_err(), "no registry");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentReference {
    name: String,
    text: String,
    reference: Reference,
}

/// A text that is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a reference to a component: {reason}; write it as registry.example/team/name:tag or …@sha256:<digest>, with another name in front as in name=…"
)]
pub struct ReferenceError {
    text: String,
    reason: String,
}

impl ComponentReference {
    /// What the component is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can only ever mean the same bytes.
    pub(super) fn is_pinned(&self) -> bool {
        self.reference.digest().is_some()
    }

    pub(super) fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The host of the registry, with its port.
    pub(super) fn registry(&self) -> &str {
        self.reference.resolve_registry()
    }
}

impl FromStr for ComponentReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let fault = |reason: String| ReferenceError { text: text.to_owned(), reason };
        let (name, place) = match text.split_once('=') {
            Some((name, place)) => (Some(name), place),
            None => (None, text),
        };
        let host = place.split_once('/').map_or("", |(host, _)| host);
        if !(host.contains(['.', ':']) || host == "localhost") {
            return Err(fault("it does not begin with the host of a registry".to_owned()));
        }
        let reference: Reference = place.parse().map_err(|error| match error {
            oci_client::ParseError::NameContainsUppercase => fault("it has capitals".to_owned()),
            error => fault(error.to_string()),
        })?;
        let last = reference.repository().rsplit('/').next().unwrap_or_default();
        let name = name.unwrap_or(last).to_owned();
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) {
            return Err(fault(format!("{name:?} cannot be the name of a component")));
        }
        Ok(Self { name, text: text.to_owned(), reference })
    }
}

impl fmt::Display for ComponentReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a registry is on this machine, where plain HTTP harms nobody.
pub(super) fn is_loopback(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_its_component() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (text, name, pinned) in [
            ("registry.example/team/check:v1".to_owned(), "check", false),
            ("registry.example/check".to_owned(), "check", false),
            ("localhost/check:v1".to_owned(), "check", false),
            ("127.0.0.1:5000/a/b/check:v1".to_owned(), "check", false),
            (format!("registry.example/check@{digest}"), "check", true),
            (format!("registry.example/check:v1@{digest}"), "check", true),
            ("audit=registry.example/check:v1".to_owned(), "audit", false),
        ] {
            let reference: ComponentReference = text.parse().expect(&text);
            assert_eq!((reference.name(), reference.is_pinned()), (name, pinned), "{text}");
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_one_is_told_so() {
        for text in [
            "",
            "check",
            "team/check:v1",
            "registry.example/",
            "registry.example/Check",
            "registry.example/check@sha256:12",
            "=registry.example/check",
            "../x=registry.example/check",
        ] {
            let error = text.parse::<ComponentReference>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("{text:?} is not a reference")), "{error}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for yes in ["localhost", "localhost:5000", "127.0.0.1", "127.1.2.3:80", "[::1]:5000"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in ["registry.example", "localhost.example:80", "10.0.0.1:5000", "128.0.0.1"] {
            assert!(!is_loopback(no), "{no}");
        }
    }
}
