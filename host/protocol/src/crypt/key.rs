//! Keys, and what is done with one key.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::{FALLBACK, KEY};

/// The length of a nonce, in bytes.
const NONCE: usize = 24;

/// The keys of a set of workers: the first one encrypts, all of them decrypt.
#[derive(Clone)]
pub struct Vault {
    keys: Vec<Key>,
}

/// Why a text is not a key. The text itself is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is not {what}: write 32 bytes as 64 hexadecimal digits or as base64; make a key with `openssl rand -hex 32`"
)]
pub struct KeyError {
    variable: &'static str,
    what: &'static str,
}

#[derive(Clone)]
pub(super) struct Key {
    cipher: XChaCha20Poly1305,
    /// Makes nonces; never used for anything else.
    nonces: [u8; 32],
    /// The first digits of the key's hash, by which values name it.
    name: String,
}

impl Vault {
    /// Parses the values of the two variables.
    ///
    /// ```
    /// use protocol::crypt::Vault;
    /// let key = "00".repeat(32);
    /// assert!(Vault::parse(&key, None).is_ok());
    /// assert!(Vault::parse("secret", None).unwrap_err().to_string().contains("openssl"));
    /// ```
    pub fn parse(key: &str, fallback: Option<&str>) -> Result<Self, KeyError> {
        let one = |text: &str, variable, what| {
            bytes(text.trim()).map(|bytes| Key::new(&bytes)).ok_or(KeyError { variable, what })
        };
        let mut keys = vec![one(key, KEY, "a key")?];
        let more = fallback.unwrap_or_default().split(',').filter(|text| !text.trim().is_empty());
        for text in more {
            keys.push(one(text, FALLBACK, "a list of keys separated by commas")?);
        }
        Ok(Self { keys })
    }

    /// The key that encrypts.
    pub(super) fn first(&self) -> &Key {
        &self.keys[0]
    }

    /// The key that a value names.
    pub(super) fn named(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys, for errors.
    pub(super) fn names(&self) -> String {
        self.keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.names())
    }
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if hex::decode_to_slice(text, &mut key).is_ok() {
        return Some(key);
    }
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        let derive = |purpose: &[u8]| mac(key, &[b"system-bus encryption ", purpose]);
        Self {
            cipher: XChaCha20Poly1305::new(&derive(b"values").into()),
            nonces: derive(b"nonces"),
            name: hex::encode(&Sha256::digest(derive(b"name"))[..4]),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Nonce and ciphertext of a value. `place` is authenticated; `run` only keeps equal values of different runs from
    /// looking alike.
    pub(super) fn seal(&self, run: &[u8], place: &[u8], value: &[u8]) -> Vec<u8> {
        let length = |part: &[u8]| u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes();
        let parts = [run, &length(place), place, value];
        let mut sealed = mac(&self.nonces, &parts)[..NONCE].to_vec();
        let nonce = XNonce::try_from(sealed.as_slice()).expect("as long as a nonce");
        let payload = Payload { msg: value, aad: place };
        let text =
            self.cipher.encrypt(&nonce, payload).expect("values are far below the cipher's limit");
        sealed.extend_from_slice(&text);
        sealed
    }

    /// The value, if it was sealed with this key for this place.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE)?;
        let nonce = XNonce::try_from(nonce).ok()?;
        self.cipher.decrypt(&nonce, Payload { msg: text, aad: place }).ok()
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
