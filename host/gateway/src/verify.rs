//! Whether a delivery is from whom it says: decided on the bytes as they came, before anything of them is parsed.
//!
//! Pure: the time is the delivery's. Every key is tried on every signature that came with every form of what may be
//! signed, whatever fits first, and all refusals look alike from outside.

mod compact;
mod content;
mod mac;
mod time;

use subtle::Choice;

pub use self::compact::compact;
pub use self::content::{Content, ContentError};
pub use self::mac::Method;
pub use self::time::Time;
use crate::delivery::Delivery;
use crate::secrets::{Encoding, Form, Secret, Secrets};

/// The most signatures of one header that are looked at.
const CANDIDATES: usize = 16;
/// The longest header with signatures, in bytes.
const LONGEST: usize = 4096;
/// The name of the secret that is on its way out, beside one that came for it.
const PREVIOUS: &str = "_previous";

/// One way in which a sender signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// How.
    pub method: Method,
    /// The header with the signature, in small letters.
    pub header: String,
    /// What stands before the signature, such as `sha256=`. Where signatures are [split](Self::split), others than those
    /// that begin so are left out.
    pub before: String,
    /// What stands between several signatures.
    pub split: Option<char>,
    /// How a signature is written.
    pub encoding: Encoding,
    /// What is signed: each of these is tried.
    pub signs: Vec<Content>,
    /// How the key is written.
    pub key: Form,
    /// The names of the secrets; of each there may be one more with `_previous` after its name.
    pub secrets: Vec<String>,
    /// The time that is signed too, where one is.
    pub time: Option<Time>,
    /// Another header without which this is not the way.
    pub with: Option<String>,
    /// The header with the delivery's id, where that is signed too, in small letters.
    pub delivery: Option<String>,
}

/// A delivery that is from whom it says. Only [`verify`] and [`believed`] make one.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'d> {
    delivery: &'d Delivery,
    id: Option<&'d str>,
}

impl<'d> Verified<'d> {
    /// What was sent.
    pub fn delivery(self) -> &'d Delivery {
        self.delivery
    }

    /// Its id, where the sender has signed one. Another header of that kind may be there as well, which nobody has signed.
    pub fn id(self) -> Option<&'d str> {
        self.id
    }
}

/// Why a delivery is refused. For the operator: the sender is told nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no secret to verify with.
    #[error("this provider has no secret, so nothing can be verified")]
    NoSecret,
    /// No header with a signature.
    #[error("it has no signature")]
    NoSignature,
    /// A header that must be there once is there twice, is not text, or is too long.
    #[error("its signature headers cannot be read, or are there more than once")]
    Malformed,
    /// No signed time.
    #[error("it has no time that can be read")]
    NoTime,
    /// Its time is too far from ours.
    #[error("its time is {seconds} seconds from ours; it is a repeat, or a clock is wrong")]
    Stale {
        /// How far, in seconds.
        seconds: u64,
    },
    /// The signature is not right.
    #[error("its signature is not right: the body was changed, or its secret is not ours")]
    Wrong,
}

impl Refused {
    /// One word for it, for counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoSecret => "no-secret",
            Self::NoSignature => "no-signature",
            Self::Malformed => "malformed",
            Self::NoTime => "no-time",
            Self::Stale { .. } => "stale",
            Self::Wrong => "wrong",
        }
    }
}

/// Believes a delivery whoever sent it: for providers that say `insecure_none`.
pub fn believed(delivery: &Delivery) -> Verified<'_> {
    Verified { delivery, id: None }
}

/// Whether a delivery is signed in one of these ways.
pub fn verify<'d>(
    checks: &[Check],
    delivery: &'d Delivery,
    secrets: &dyn Secrets,
) -> Result<Verified<'d>, Refused> {
    let mut refused = Refused::NoSignature;
    for check in checks {
        if !check.applies(delivery) {
            continue;
        }
        match check.passes(delivery, secrets) {
            Ok(()) => {
                let id = check.delivery.as_ref().and_then(|header| delivery.headers.one(header));
                return Ok(Verified { delivery, id });
            }
            // A way for which there is no secret says nothing of one for which there is.
            Err(Refused::NoSecret) if refused != Refused::NoSignature => {}
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

impl Check {
    /// The keys there are now.
    pub fn keys(&self, secrets: &dyn Secrets) -> Vec<Secret> {
        let both = |name: &String| [name.clone(), format!("{name}{PREVIOUS}")];
        let names = self.secrets.iter().flat_map(both);
        names.filter_map(|name| secrets.secret(&name)?.key(self.key)).collect()
    }

    /// Whether the sender signs in this way.
    fn applies(&self, delivery: &Delivery) -> bool {
        delivery.headers.has(&self.header)
            && self.with.as_ref().is_none_or(|header| delivery.headers.has(header))
    }

    fn passes(&self, delivery: &Delivery, secrets: &dyn Secrets) -> Result<(), Refused> {
        let keys = self.keys(secrets);
        if keys.is_empty() {
            return Err(Refused::NoSecret);
        }
        let written = delivery.headers.one(&self.header).filter(|text| text.len() <= LONGEST);
        let written = written.ok_or(Refused::Malformed)?;
        let time = self.time.as_ref().map(|time| time.read(delivery, written)).transpose()?;
        let signatures = self.signatures(written);
        let mut right = Choice::from(0);
        for content in &self.signs {
            let Some(signed) = content.bytes(delivery, time) else { continue };
            for key in &keys {
                for signature in &signatures {
                    right |= self.method.right(key.bytes(), &signed, signature);
                }
            }
        }
        if bool::from(right) { Ok(()) } else { Err(Refused::Wrong) }
    }

    /// The signatures in a header that have the length of one.
    fn signatures(&self, written: &str) -> Vec<Vec<u8>> {
        let each: Vec<&str> = match self.split {
            Some(between) => written.split(between).map(str::trim).collect(),
            None => vec![written],
        };
        let own = each.into_iter().filter_map(|one| one.strip_prefix(self.before.as_str()));
        let decoded = own.filter_map(|text| self.encoding.decode(text));
        decoded.filter(|bytes| bytes.len() == self.method.length()).take(CANDIDATES).collect()
    }
}

#[cfg(test)]
mod tests;
