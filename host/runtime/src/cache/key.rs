//! What an entry is for, and its name.

use std::fmt;
use std::str::FromStr;

use protocol::digest::Digest;

use crate::compile::Fingerprint;

/// What an entry is for: its name in the folder is `<digest>-<engine>-<system>.cwasm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// The component.
    pub(crate) digest: Digest,
    /// The engine that its code fits.
    pub(crate) engine: Fingerprint,
}

/// The system that this process runs on, as entries name it.
fn system() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}.cwasm", self.digest, self.engine, system())
    }
}

/// A name that is not an entry's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoEntry;

impl FromStr for Key {
    type Err = NoEntry;

    /// Entries of other systems have keys too: they take room in the same folder.
    fn from_str(name: &str) -> Result<Self, NoEntry> {
        let mut parts = name.strip_suffix(".cwasm").ok_or(NoEntry)?.splitn(3, '-');
        let mut next = || parts.next().ok_or(NoEntry);
        let digest = next()?.parse().map_err(|_| NoEntry)?;
        let engine = next()?.parse().map_err(|_| NoEntry)?;
        next()?;
        Ok(Self { digest, engine })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries_are_told_from_others() {
        let key = Key { digest: Digest::of(b"component"), engine: Fingerprint::from([7; 16]) };
        let name = key.to_string();
        assert!(name.starts_with(&format!("{}-{}-", key.digest, key.engine)), "{name}");
        assert_eq!(name.parse(), Ok(key));
        let elsewhere = name.replace(&system(), "riscv64-plan9");
        assert_eq!(elsewhere.parse(), Ok(key));
        for other in ["key", ".new-1-2", "a.cwasm", &name[1..], name.trim_end_matches(".cwasm")] {
            assert_eq!(other.parse::<Key>(), Err(NoEntry), "{other}");
        }
    }
}
