//! Randomness, as an argument.

use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;
use ulid::Ulid;

/// Where ids and jitter come from.
pub(crate) trait Entropy {
    /// 128 random bits.
    fn bits(&mut self) -> u128;

    /// A ULID of this moment.
    fn ulid(&mut self, now: Timestamp) -> Ulid {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Ulid::from_parts(millis, self.bits())
    }

    /// A random UUID.
    fn uuid(&mut self) -> String {
        uuid(self.bits().to_be_bytes(), 4)
    }

    /// The name of a job: thirteen digits and letters.
    fn job(&mut self) -> String {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut bits = self.bits();
        let mut digit = || {
            let at = usize::try_from(bits % 36).unwrap_or(0);
            bits /= 36;
            char::from(DIGITS[at])
        };
        (0..13).map(|_| digit()).collect()
    }
}

/// Sixteen bytes as a UUID of a version.
pub(crate) fn uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The standard library's randomly keyed hash of a counter: unguessable enough for the ids of a development engine.
pub(crate) struct Random {
    keys: [RandomState; 2],
    count: u64,
}

impl Random {
    pub(crate) fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], count: 0 }
    }
}

impl Entropy for Random {
    fn bits(&mut self) -> u128 {
        self.count += 1;
        let [high, low] = [0, 1].map(|i: usize| u128::from(self.keys[i].hash_one(self.count)));
        (high << 64) | low
    }
}

/// A fixed sequence, for tests.
#[cfg(test)]
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted(pub(crate) u64);

#[cfg(test)]
impl Entropy for Counted {
    fn bits(&mut self) -> u128 {
        self.0 += 1;
        u128::from(self.0) << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_forms_and_differ() {
        let mut random = Random::new();
        let id = random.uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert_ne!(random.uuid(), id);
        assert_eq!(random.job().len(), 13);
        let now = "2026-11-22T13:00:00Z".parse().expect("a time");
        assert_ne!(random.ulid(now), random.ulid(now));
    }
}
