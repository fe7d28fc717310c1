//! What compiled code and an engine must have in common.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

/// What compiled code and an engine must have in common for the one to run in the other: the release of the engine,
/// the processor and its abilities, every setting that shapes code. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Fingerprint([u8; Self::LENGTH]);

impl Fingerprint {
    /// Its length, in bytes.
    pub(crate) const LENGTH: usize = 16;

    /// The fingerprint of an engine; the same in every process.
    pub(crate) fn of(engine: &Engine) -> Self {
        let mut hasher = Stable(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let hash: [u8; 32] = hasher.0.finalize().into();
        let mut bytes = [0; Self::LENGTH];
        bytes.copy_from_slice(&hash[..Self::LENGTH]);
        Self(bytes)
    }

    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl From<[u8; Self::LENGTH]> for Fingerprint {
    fn from(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; Self::LENGTH];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A hasher with a written-down algorithm. The standard library's may change with its release.
struct Stable(Sha256);

impl Hasher for Stable {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash: [u8; 32] = self.0.clone().finalize().into();
        hash.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Config;

    use super::*;

    #[test]
    fn equal_engines_have_one_fingerprint_and_others_another() {
        let of = |config: &Config| Fingerprint::of(&Engine::new(config).expect("an engine"));
        let plain = of(&Config::new());
        assert_eq!(plain, of(&Config::new()));
        assert_ne!(plain, of(Config::new().epoch_interruption(true)));
        assert_ne!(plain, of(Config::new().consume_fuel(true)));
    }

    #[test]
    fn a_fingerprint_is_written_and_read_as_hexadecimal_digits() {
        let fingerprint = Fingerprint::from([0xab; Fingerprint::LENGTH]);
        let text = "ab".repeat(Fingerprint::LENGTH);
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(text.parse(), Ok(fingerprint));
        for bad in ["", "ab", &text.replace('b', "x"), &"ab".repeat(Fingerprint::LENGTH + 1)] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }
}
