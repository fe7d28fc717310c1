//! What a root holds, and whether a change fits.

use std::fmt;

use crate::grants::Size;

/// How much is in a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Held {
    /// In all its files together.
    pub(crate) bytes: u64,
    /// Files, folders, links and whatever else has a name.
    pub(crate) files: u64,
}

/// How much may be in it when a component changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Quota {
    /// In all its files together; none means that nobody counts.
    pub(crate) bytes: Option<u64>,
    /// Names.
    pub(crate) files: Option<u64>,
}

/// What a change takes away, and what it brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Change {
    pub(crate) gone: Held,
    pub(crate) new: Held,
}

/// The limit that a change would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    Bytes { held: u64, wanted: u64, limit: u64 },
    Files { limit: u64 },
}

impl Held {
    /// One name, with a content of so many bytes.
    pub(crate) const fn file(bytes: u64) -> Self {
        Self { bytes, files: 1 }
    }

    /// So many bytes more of a file that is there.
    pub(crate) const fn bytes(bytes: u64) -> Self {
        Self { bytes, files: 0 }
    }

    /// What is there after a change.
    pub(crate) fn after(self, change: Change) -> Self {
        let apply = |held: u64, gone: u64, new| held.saturating_sub(gone).saturating_add(new);
        Self {
            bytes: apply(self.bytes, change.gone.bytes, change.new.bytes),
            files: apply(self.files, change.gone.files, change.new.files),
        }
    }
}

impl Quota {
    /// Whether anything has to be counted.
    pub(crate) fn counts(self) -> bool {
        self.bytes.is_some() || self.files.is_some()
    }

    /// Whether a change may be made. What makes less of something always may, also where too much is there.
    pub(crate) fn allows(self, held: Held, change: Change) -> Result<(), Exceeded> {
        let after = held.after(change);
        if let Some(limit) = self.files
            && after.files > limit
            && after.files > held.files
        {
            return Err(Exceeded::Files { limit });
        }
        if let Some(limit) = self.bytes
            && after.bytes > limit
            && after.bytes > held.bytes
        {
            let wanted = after.bytes - held.bytes;
            return Err(Exceeded::Bytes { held: held.bytes, wanted, limit });
        }
        Ok(())
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bytes { held, wanted, limit } => write!(
                f,
                "it holds {held} bytes, {wanted} more are wanted, and its limit is {} (`bytes`)",
                Size::of(limit)
            ),
            Self::Files { limit } => {
                write!(f, "its limit of {limit} files and folders (`files`) is reached")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_measured_by_what_is_there_after_it() {
        let quota = Quota { bytes: Some(100), files: Some(3) };
        let held = |bytes, files| Held { bytes, files };
        let new = |new| Change { new, ..Change::default() };
        let over = |gone, new| Change { gone: Held::file(gone), new: Held::file(new) };
        let gone = |gone| Change { gone, ..Change::default() };
        let bytes = |held, wanted| Err(Exceeded::Bytes { held, wanted, limit: 100 });
        let files = Err(Exceeded::Files { limit: 3 });
        let table = [
            (held(0, 0), new(Held::file(100)), Ok(())),
            (held(0, 0), new(Held::file(101)), bytes(0, 101)),
            (held(60, 2), new(Held::file(40)), Ok(())),
            (held(60, 2), new(Held::file(41)), bytes(60, 41)),
            (held(60, 3), new(Held::file(0)), files),
            (held(60, 2), new(Held::bytes(40)), Ok(())),
            (held(60, 2), new(Held::bytes(41)), bytes(60, 41)),
            // A file over another one.
            (held(100, 3), over(60, 60), Ok(())),
            (held(100, 3), over(60, 61), bytes(100, 1)),
            // Too much is there already: less of it is fine, more is not.
            (held(500, 9), over(60, 10), Ok(())),
            (held(500, 9), gone(Held::file(60)), Ok(())),
            (held(500, 9), new(Held::bytes(1)), bytes(500, 1)),
            (held(500, 2), new(Held::file(0)), Ok(())),
            // Numbers beyond all files.
            (held(0, 0), new(Held::file(u64::MAX)), bytes(0, u64::MAX)),
        ];
        for (held, change, verdict) in table {
            assert_eq!(quota.allows(held, change), verdict, "{held:?} {change:?}");
        }
        let none = Quota::default();
        assert_eq!(none.allows(held(u64::MAX, 9), new(Held::file(1 << 40))), Ok(()));
        assert!(!none.counts() && quota.counts());
    }
}
