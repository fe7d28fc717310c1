//! A delivery: what a sender posted, as it came.

use std::net::IpAddr;

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// What a sender posted.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its headers.
    pub headers: Headers,
    /// The body, as it came.
    pub body: Bytes,
    /// When it came.
    pub at: Timestamp,
    /// Where it came from.
    pub from: IpAddr,
}

impl Delivery {
    /// The hash of the body, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.body))
    }
}

/// Headers by name, in small letters.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// From names and values, in any case.
    pub fn new<N: AsRef<str>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.as_ref().to_vec()))
                .collect(),
        )
    }

    /// The one value of a header. None where there is none, more than one, or no text in it: which of two is meant, a
    /// sender and we could see differently.
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        std::str::from_utf8(value).ok()
    }

    /// Whether a header is there, however often.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// All of them that are text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.0.iter();
        texts.filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)))
    }
}
