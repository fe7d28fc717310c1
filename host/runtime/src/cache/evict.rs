//! What has to go when there is too much.

use std::time::SystemTime;

/// An entry as the folder lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// Its name.
    pub(super) name: String,
    /// Its size, in bytes.
    pub(super) bytes: u64,
    /// When it was used last. This is the time of modification, which we set on every use: the time of access is not kept
    /// on most systems.
    pub(super) used: SystemTime,
}

/// The entries to remove so that the rest takes at most `limit` bytes: those first that were not used for the longest
/// time, and never the one that was just stored.
pub(super) fn too_many(mut held: Vec<Held>, limit: u64, stored: &str) -> Vec<Held> {
    let mut bytes: u64 = held.iter().map(|entry| entry.bytes).sum();
    held.sort_by(|one, other| one.used.cmp(&other.used).then_with(|| one.name.cmp(&other.name)));
    held.retain(|entry| {
        let goes = bytes > limit && entry.name != stored;
        if goes {
            bytes -= entry.bytes;
        }
        goes
    });
    held
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_longest_unused_goes_first_and_what_was_just_stored_stays() {
        let entry = |name: &str, bytes, age: u64| Held {
            name: name.to_owned(),
            bytes,
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age),
        };
        let held = [
            entry("new", 40, 0),
            entry("used", 30, 5),
            entry("old", 20, 90),
            entry("older", 10, 99),
        ];
        for (limit, stored, goes) in [
            (100, "new", vec![]),
            (99, "new", vec!["older"]),
            (90, "new", vec!["older"]),
            (89, "new", vec!["older", "old"]),
            (40, "new", vec!["older", "old", "used"]),
            (0, "new", vec!["older", "old", "used"]),
            (0, "older", vec!["old", "used", "new"]),
            (0, "gone meanwhile", vec!["older", "old", "used", "new"]),
        ] {
            let went = too_many(held.to_vec(), limit, stored);
            let went: Vec<_> = went.iter().map(|entry| entry.name.as_str()).collect();
            assert_eq!(went, goes, "limit {limit}, stored {stored}");
        }
    }
}
