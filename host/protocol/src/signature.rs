//! Signing keys: signatures over bodies, and the bearer token.
//!
//! The two uses of a key differ on purpose: a signature's HMAC is keyed with the *text* of the hexadecimal key, the
//! bearer token hashes the *bytes* that the text stands for.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::connect::link::Session;

/// How far a signature's time may lie from ours, in seconds, either way.
pub const TOLERANCE_SECONDS: i64 = 300;

/// A signing key, with or without its `signkey-<env>-` prefix. Its text never shows in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    prefix: String,
    hex: String,
    bytes: Vec<u8>,
}

/// Why a text is not a signing key. The text itself is not repeated: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a signing key is an even number of hexadecimal digits, optionally behind `signkey-<environment>-`; \
     make one with `openssl rand -hex 32`"
)]
pub struct KeyError;

impl SigningKey {
    /// Parses a key.
    ///
    /// ```
    /// let key = protocol::signature::SigningKey::parse("signkey-prod-12345678").unwrap();
    /// assert!(key.bearer().starts_with("signkey-prod-b2ed992186a5cb19"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let hex = strip_prefix(text);
        let bytes = hex::decode(hex).ok().filter(|bytes| !bytes.is_empty()).ok_or(KeyError)?;
        Ok(Self { prefix: text[..text.len() - hex.len()].to_owned(), hex: hex.to_owned(), bytes })
    }

    /// The token of `Authorization: Bearer …`: the prefix, then the hash of the key's bytes.
    pub fn bearer(&self) -> String {
        format!("{}{}", self.prefix, self.hash())
    }

    /// The hash of the key's bytes without the prefix, as introspection shows it.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(&self.bytes))
    }

    /// Whether the token of an `Authorization: Bearer …` header proves that its sender knows this key: the hashed key
    /// or the plain one, each with any prefix or none, as the self-hosted server takes them.
    ///
    /// ```
    /// let key = protocol::signature::SigningKey::parse("signkey-prod-12345678").unwrap();
    /// assert!(key.accepts_bearer(&key.bearer()) && key.accepts_bearer("12345678"));
    /// assert!(!key.accepts_bearer("87654321"));
    /// ```
    pub fn accepts_bearer(&self, token: &str) -> bool {
        let bare = strip_prefix(token.trim());
        let hashed = bare.as_bytes().ct_eq(self.hash().as_bytes());
        let plain = bare.as_bytes().ct_eq(self.hex.as_bytes());
        (hashed | plain).into()
    }

    /// The value of `X-Inngest-Signature` for a body sent at `now`.
    pub fn sign(&self, body: &[u8], now: Timestamp) -> String {
        let seconds = now.as_second();
        format!("t={seconds}&s={}", hex::encode(self.mac(body, seconds).finalize().into_bytes()))
    }

    fn mac(&self, body: &[u8], seconds: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.hex.as_bytes())
            .expect("HMAC takes keys of any length");
        mac.update(body);
        mac.update(seconds.to_string().as_bytes());
        mac
    }

    fn signed(&self, body: &[u8], signature: &Signature) -> bool {
        let ours = self.mac(body, signature.seconds).finalize().into_bytes();
        ours.as_slice().ct_eq(&signature.hmac).into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Removes a leading `signkey-<word>-`, where a word is letters, digits and underscores.
fn strip_prefix(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("signkey-") else {
        return text;
    };
    match rest.split_once('-') {
        Some((word, hex))
            if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
        {
            hex
        }
        _ => text,
    }
}

/// The keys a worker trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The key in use.
    pub primary: SigningKey,
    /// Tried when the primary does not fit, so that keys can be rotated without a gap.
    pub fallback: Option<SigningKey>,
}

/// Whom a worker believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A development server on this machine: nothing is checked.
    Dev,
    /// A server that shares a key with us: everything is checked.
    Signed(Keys),
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature at all.
    #[error("the request carries no x-inngest-signature header")]
    Missing,
    /// Something else stands where `t=<unix seconds>&s=<64 hex digits>` should.
    #[error("the x-inngest-signature header is not t=<unix seconds>&s=<64 hexadecimal digits>")]
    Malformed,
    /// Too old, or from the future.
    #[error(
        "the signature is {seconds} seconds away from this machine's clock, more than 300; compare the clocks"
    )]
    Stale {
        /// How far the signature's time lies from ours.
        seconds: u64,
    },
    /// Made with another key, or for another body.
    #[error(
        "the signature does not fit the body; compare the server's signing key with INNGEST_SIGNING_KEY"
    )]
    Wrong,
}

struct Signature {
    seconds: i64,
    hmac: [u8; 32],
}

impl Signature {
    fn parse(header: &str) -> Option<Self> {
        let (mut seconds, mut hmac) = (None, None);
        for (key, value) in url::form_urlencoded::parse(header.as_bytes()) {
            match &*key {
                "t" => seconds = Some(value.parse().ok()?),
                "s" => {
                    let mut bytes = [0; 32];
                    hex::decode_to_slice(value.as_bytes(), &mut bytes).ok()?;
                    hmac = Some(bytes);
                }
                _ => {}
            }
        }
        Some(Self { seconds: seconds?, hmac: hmac? })
    }
}

/// A body whose sender is believed. [`verify`] makes one, and [`Verified::over_session`].
#[derive(Debug, Clone)]
pub struct Verified<B> {
    body: B,
    key: Option<SigningKey>,
}

impl<B: AsRef<[u8]>> Verified<B> {
    /// A body that came over a Connect session.
    ///
    /// It carries no signature of its own. The session is the proof instead: the worker dialled the address that its
    /// server named to it, and the gateway there took the tokens of that server before the session existed. Nothing is
    /// signed in return.
    pub fn over_session(body: B, _session: &Session) -> Self {
        Self { body, key: None }
    }

    /// The body.
    pub fn body(&self) -> &B {
        &self.body
    }

    /// The body, and the key to sign the answer with; none where nothing is signed.
    pub fn into_parts(self) -> (B, Option<SigningKey>) {
        (self.body, self.key)
    }

    /// The key that fitted; the answer is signed with the same one.
    pub fn key(&self) -> Option<&SigningKey> {
        self.key.as_ref()
    }
}

/// Decides whether a request is to be believed.
///
/// `header` is the value of `X-Inngest-Signature`, `now` our time. The body is checked as it was sent; when that
/// does not fit, its canonical JSON form is tried, because the server signs that form of the bodies of its `PUT`s.
pub fn verify<B: AsRef<[u8]>>(
    header: Option<&str>,
    body: B,
    now: Timestamp,
    trust: &Trust,
) -> Result<Verified<B>, SignatureError> {
    let keys = match trust {
        Trust::Dev => return Ok(Verified { body, key: None }),
        Trust::Signed(keys) => keys,
    };
    let header = header.ok_or(SignatureError::Missing)?;
    let signature = Signature::parse(header).ok_or(SignatureError::Malformed)?;
    let seconds = now.as_second().abs_diff(signature.seconds);
    if seconds > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(SignatureError::Stale { seconds });
    }
    let candidates = || std::iter::once(&keys.primary).chain(&keys.fallback);
    let fits = |body: &[u8]| candidates().find(|key| key.signed(body, &signature)).cloned();
    let key = fits(body.as_ref()).or_else(|| fits(&canonical(body.as_ref())?));
    match key {
        Some(key) => Ok(Verified { body, key: Some(key) }),
        None => Err(SignatureError::Wrong),
    }
}

/// The canonical JSON form (RFC 8785) of a body; none when it is not JSON or already canonical.
///
/// Only small bodies are tried: the server's `PUT`s are, and nobody shall make us rewrite megabytes for nothing.
fn canonical(body: &[u8]) -> Option<Vec<u8>> {
    const LARGEST: usize = 16 * 1024;
    if body.len() > LARGEST {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json_canonicalizer::to_vec(&value).ok().filter(|canonical| canonical != body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "signkey-test-12345678";

    fn key(text: &str) -> SigningKey {
        SigningKey::parse(text).expect("a key")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn trust() -> Trust {
        Trust::Signed(Keys { primary: key(KEY), fallback: Some(key("abcdef")) })
    }

    #[test]
    fn the_vectors_of_the_specification_hold() {
        assert_eq!(
            key("signkey-prod-12345678").bearer(),
            "signkey-prod-b2ed992186a5cb19f6668aade821f502c1d00970dfd0e35128d51bac4649916c"
        );
        assert_eq!(key("12345678").bearer(), key("signkey-prod-12345678").hash());
        assert_eq!(
            key(KEY).sign(br#"{"a":1}"#, at(1_700_000_000)),
            "t=1700000000&s=67a82077baa52522b1f612a154a25275c00a0338efc32be5ee396bd2391ba5e0"
        );
    }

    #[test]
    fn keys_are_parsed_with_and_without_prefix_and_never_shown() {
        assert_eq!(key("signkey-branch_1-ab").hex, "ab");
        for bad in ["", "signkey-prod-", "abc", "xyz!", "signkey--ab"] {
            assert_eq!(SigningKey::parse(bad), Err(KeyError), "{bad}");
        }
        assert_eq!(format!("{:?}", key(KEY)), "SigningKey(…)");
    }

    #[test]
    fn a_signed_body_is_believed_with_either_key_within_the_tolerance() {
        for signer in [KEY, "12345678", "abcdef"] {
            let header = key(signer).sign(b"body", at(1_000));
            for now in [1_000, 1_300, 700] {
                let verified = verify(Some(&header), b"body", at(now), &trust()).expect(signer);
                assert_eq!(verified.key().map(|k| k.hex.as_str()), Some(key(signer).hex.as_str()));
            }
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let header = key(KEY).sign(b"body", at(1_000));
        let check = |header: Option<&str>, body: &[u8], now| {
            verify(header, body.to_vec(), at(now), &trust())
        };
        for (header, body, now, expected) in [
            (None, &b"body"[..], 1_000, SignatureError::Missing),
            (Some(""), b"body", 1_000, SignatureError::Malformed),
            (Some("t=1000"), b"body", 1_000, SignatureError::Malformed),
            (Some("t=x&s=00"), b"body", 1_000, SignatureError::Malformed),
            (Some("t=1000&s=ää"), b"body", 1_000, SignatureError::Malformed),
            (Some(header.as_str()), b"body", 1_301, SignatureError::Stale { seconds: 301 }),
            (Some(header.as_str()), b"body", 699, SignatureError::Stale { seconds: 301 }),
            (Some(header.as_str()), b"bodY", 1_000, SignatureError::Wrong),
            (
                Some(key("ffff").sign(b"body", at(1_000)).as_str()),
                b"body",
                1_000,
                SignatureError::Wrong,
            ),
        ] {
            assert_eq!(check(header, body, now).map(|_| ()), Err(expected), "{header:?}");
        }
        assert!(
            verify(None, b"body", at(0), &Trust::Dev).is_ok(),
            "a development server is believed"
        );
    }

    #[test]
    fn the_canonical_form_of_a_put_is_tried_too() {
        let header = key(KEY).sign(br#"{"url":"http://a/?x&y"}"#, at(1_000));
        let sent = br#"{"url": "http://a/?x\u0026y"}"#;
        assert!(verify(Some(&header), sent.as_slice(), at(1_000), &trust()).is_ok());
    }
}
