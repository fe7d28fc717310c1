//! Secrets: by name, as they are now.

use std::fmt;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use serde::Deserialize;
use zeroize::Zeroizing;

/// Where the gateway gets secrets from. It asks for each delivery, so one that changes is used at once.
pub trait Secrets: Send + Sync {
    /// The secret of this name, if there is one now.
    fn secret(&self, name: &str) -> Option<Secret>;
}

/// A secret: never printed, and overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// From its bytes; none where there are none, since everybody knows the empty secret.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes: Vec<u8> = bytes.into();
        (!bytes.is_empty()).then(|| Self(Zeroizing::new(bytes)))
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key that this form of secret stands for.
    pub(crate) fn key(&self, form: Form) -> Option<Self> {
        let text = || std::str::from_utf8(&self.0).ok().map(str::trim);
        let decoded = |text: &str| {
            let text = text.trim_end_matches('=');
            BASE64_STANDARD_NO_PAD.decode(text).ok().and_then(Self::new)
        };
        match form {
            Form::Text => Some(self.clone()),
            Form::Base64 => decoded(text()?),
            Form::Hex => hex::decode(text()?).ok().and_then(Self::new),
            Form::Whsec => decoded(text()?.strip_prefix("whsec_").unwrap_or(text()?)),
            Form::Whpk => decoded(text()?.strip_prefix("whpk_")?),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How a key is written as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Its bytes are the key.
    #[default]
    Text,
    /// Base64.
    Base64,
    /// Hexadecimal digits.
    Hex,
    /// Base64, with or without `whsec_` before it: symmetric keys of Standard Webhooks.
    Whsec,
    /// Base64 with `whpk_` before it: public keys of Standard Webhooks.
    Whpk,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Hexadecimal digits of either case.
    Hex,
    /// Base64 with padding.
    Base64,
}

impl Encoding {
    pub(crate) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => BASE64_STANDARD.decode(text).ok(),
        }
    }

    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => BASE64_STANDARD.encode(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = |text: &str, form| {
            Secret::new(text).and_then(|secret| secret.key(form)).map(|key| key.bytes().to_vec())
        };
        for (text, form, bytes) in [
            ("abc", Form::Text, Some(&b"abc"[..])),
            ("", Form::Text, None),
            ("YWJj", Form::Base64, Some(b"abc")),
            ("YWI=", Form::Base64, Some(b"ab")),
            ("YWI", Form::Base64, Some(b"ab")),
            ("=", Form::Base64, None),
            ("6162", Form::Hex, Some(b"ab")),
            ("616", Form::Hex, None),
            ("whsec_YWJj", Form::Whsec, Some(b"abc")),
            ("YWJj", Form::Whsec, Some(b"abc")),
            ("whsec_", Form::Whsec, None),
            ("whpk_YWJj", Form::Whpk, Some(b"abc")),
            ("whsk_YWJj", Form::Whpk, None),
        ] {
            assert_eq!(key(text, form).as_deref(), bytes, "{text} {form:?}");
        }
        assert_eq!(format!("{:?}", Secret::new("abc")), "Some(Secret(…))");
    }
}
