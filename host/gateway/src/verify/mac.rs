//! Signatures: making them, and telling whether one is right, in a time that does not depend on where they differ.

use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{ED25519, UnparsedPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

/// How something is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// HMAC with SHA-1: 20 bytes. Broken as a hash, not as this.
    HmacSha1,
    /// HMAC with SHA-256: 32 bytes.
    HmacSha256,
    /// HMAC with SHA-512: 64 bytes.
    HmacSha512,
    /// Ed25519: 64 bytes, and the secret is the sender's public key of 32.
    Ed25519,
}

impl Method {
    /// The bytes of a signature.
    pub fn length(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
            Self::HmacSha512 | Self::Ed25519 => 64,
        }
    }

    /// Whether one is right. Where its length is not, it is not: nothing is ever compared in part.
    pub(super) fn right(self, key: &[u8], signed: &[u8], signature: &[u8]) -> Choice {
        if signature.len() != self.length() {
            return Choice::from(0);
        }
        match self {
            Self::HmacSha1 => hmac::<Hmac<Sha1>>(key, signed).ct_eq(signature),
            Self::HmacSha256 => hmac::<Hmac<Sha256>>(key, signed).ct_eq(signature),
            Self::HmacSha512 => hmac::<Hmac<Sha512>>(key, signed).ct_eq(signature),
            Self::Ed25519 => {
                let right = UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok();
                Choice::from(u8::from(right))
            }
        }
    }

    /// Signs as a sender does, for handshakes that ask for it; nothing for [`Method::Ed25519`], of which we have half a key.
    pub(crate) fn sign(self, key: &[u8], signed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::HmacSha1 => Some(hmac::<Hmac<Sha1>>(key, signed)),
            Self::HmacSha256 => Some(hmac::<Hmac<Sha256>>(key, signed)),
            Self::HmacSha512 => Some(hmac::<Hmac<Sha512>>(key, signed)),
            Self::Ed25519 => None,
        }
    }
}

fn hmac<M: Mac + KeyInit>(key: &[u8], signed: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}
