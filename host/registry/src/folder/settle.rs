//! When a file that has changed counts. Pure: the time is an argument.

use std::time::{Duration, Instant, SystemTime};

use super::stamp::Stamp;

/// A file without its end counts after this long without a change, to be refused in words.
pub(super) const TRUNCATED: Duration = Duration::from_secs(2);

/// A file that could not be read is tried again after this long: its file system may have recovered, which no stamp
/// tells.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// A file whose bytes were last changed this long ago is not being written. Far above the tick of any file system's
/// clock.
pub(super) const RESTED: Duration = Duration::from_secs(2);

/// Now, by both clocks: one that only goes forward, and the one that files are stamped with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) tick: Instant,
    pub(super) wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { tick: Instant::now(), wall: SystemTime::now() }
    }
}

/// A state of a file that does not count yet.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    pub(super) stamp: Stamp,
    /// When it was seen first.
    pub(super) since: Instant,
    /// Whether it was renamed into place.
    pub(super) arrived: bool,
    /// Whether it lacks an end.
    pub(super) truncated: bool,
}

impl Sighting {
    /// Of a state that is seen now, for the first time.
    pub(super) fn new(stamp: Stamp, now: Moment) -> Self {
        Self { stamp, since: now.tick, arrived: false, truncated: false }
    }
}

/// Whether something that has changed counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does.
    Settled,
    /// Not before this moment, and only if it stays as it is.
    Wait(Instant),
}

/// Whether a file in this state counts now.
pub(super) fn file(sighting: &Sighting, now: Moment, settle: Duration) -> Verdict {
    let rested = age(sighting.stamp.modified(), now) >= RESTED;
    let patience = if sighting.truncated { TRUNCATED } else { settle };
    if rested || (sighting.arrived && !sighting.truncated) {
        return Verdict::Settled;
    }
    since(sighting.since, now, patience)
}

/// Whether a file that was not there since this moment is gone. Many programs replace a file by removing it first.
pub(super) fn absence(first: Instant, now: Moment, settle: Duration) -> Verdict {
    since(first, now, settle)
}

/// Whether bytes read now should be read once more: a change within the same tick of the file system's clock would
/// leave the stamp as it is.
pub(super) fn recheck(stamp: &Stamp, now: Moment, settle: Duration) -> Option<Instant> {
    let youngest = age(stamp.changed(), now).min(age(stamp.modified(), now));
    (youngest < settle).then(|| now.tick + settle)
}

fn since(first: Instant, now: Moment, patience: Duration) -> Verdict {
    let until = first + patience;
    if now.tick >= until { Verdict::Settled } else { Verdict::Wait(until) }
}

/// How long ago a file system's clock stood there; nothing when it is ahead of ours.
fn age(then: SystemTime, now: Moment) -> Duration {
    now.wall.duration_since(then).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::super::stamp::{Seen, look};
    use super::*;

    const SETTLE: Duration = Duration::from_millis(75);

    /// The stamp of a real file whose bytes were changed at this time.
    fn stamp(path: &Path, modified: SystemTime) -> Stamp {
        let file = File::create(path).expect("a file");
        file.set_modified(modified).expect("a time");
        match look(path) {
            Seen::File(stamp) => stamp,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_counts_when_it_has_arrived_or_has_stopped_changing() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = Moment::now();
        let ago = |millis| now.wall - Duration::from_millis(millis);
        let fresh = stamp(&folder.path().join("fresh"), ago(1));
        let old = stamp(&folder.path().join("old"), ago(2_500));
        let ahead = stamp(&folder.path().join("ahead"), now.wall + Duration::from_mins(1));
        for (stamp, arrived, truncated, seen_for, expected) in [
            (&fresh, false, false, 0, Some(75)),
            (&fresh, false, false, 74, Some(1)),
            (&fresh, false, false, 75, None),
            (&fresh, true, false, 0, None),
            (&fresh, true, true, 0, Some(2_000)),
            (&fresh, false, true, 1_999, Some(1)),
            (&fresh, false, true, 2_000, None),
            (&old, false, false, 0, None),
            (&old, false, true, 0, None),
            (&ahead, false, false, 0, Some(75)),
            (&ahead, false, false, 75, None),
        ] {
            let since = now.tick;
            let sighting = Sighting { stamp: stamp.clone(), since, arrived, truncated };
            let later = Moment { tick: since + Duration::from_millis(seen_for), ..now };
            let expected = expected.map_or(Verdict::Settled, |wait| {
                Verdict::Wait(later.tick + Duration::from_millis(wait))
            });
            assert_eq!(file(&sighting, later, SETTLE), expected, "{sighting:?} for {seen_for} ms");
        }
    }

    #[test]
    fn only_what_has_just_changed_is_read_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let now = Moment::now();
        let young = stamp(&path, now.wall - Duration::from_mins(1));
        // Its modification time is old, but it was set just now.
        assert_eq!(recheck(&young, now, SETTLE), Some(now.tick + SETTLE));
        let later = Moment { wall: now.wall + Duration::from_mins(1), ..now };
        assert_eq!(recheck(&young, later, SETTLE), None);
    }

    #[test]
    fn a_name_is_gone_when_it_stays_away() {
        let now = Moment::now();
        assert_eq!(absence(now.tick, now, SETTLE), Verdict::Wait(now.tick + SETTLE));
        let later = Moment { tick: now.tick + SETTLE, ..now };
        assert_eq!(absence(now.tick, later, SETTLE), Verdict::Settled);
    }
}
