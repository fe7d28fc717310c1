//! Workers in a Kubernetes cluster: the release that all of them follow, and the one of them that registers.
//!
//! It knows nothing of components or of Inngest: what a release names is text to it, and who leads is a flag.
//!
//! | module | what it does | what it asks of the API |
//! | --- | --- | --- |
//! | [`reach`](mod@reach) | the way to the API, from inside of a cluster and from outside | |
//! | [`release`] | the `ConfigMap` that says which components all workers run | `get`, `list`, `watch` of `configmaps`; `patch` to publish |
//! | [`lease`] | one elected worker | `get`, `create`, `update` of `leases` in `coordination.k8s.io` |
//! | `testing` | a stand-in for the API server, for tests; with the feature `testing` | |

pub mod lease;
pub mod reach;
pub mod release;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::reach::{Reached, reach};

use std::fmt;

/// An object of a namespace, as `NAMESPACE/NAME`; without a namespace it is in the one where we are.
///
/// ```
/// let place: cluster::Place = "bus/release".parse().unwrap();
/// assert_eq!((place.namespace.as_deref(), &*place.name), (Some("bus"), "release"));
/// assert!("Bus/release".parse::<cluster::Place>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The namespace, where one is named.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

/// A place that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no object: write NAME or NAMESPACE/NAME, in lower-case letters, digits, `-` and `.`"
)]
pub struct PlaceError(String);

impl std::str::FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let is_name = |part: &str| {
            let edges = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            !part.is_empty()
                && part.len() <= 253
                && part.starts_with(edges)
                && part.ends_with(edges)
                && part.chars().all(|c| edges(c) || c == '-' || c == '.')
        };
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if !is_name(name) || namespace.is_some_and(|it| !is_name(it)) {
            return Err(PlaceError(text.to_owned()));
        }
        Ok(Self { namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
