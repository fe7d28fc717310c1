//! Looking at a folder: what is there, what of it counts, and reading what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use protocol::digest::Digest;

use super::FolderOptions;
use super::entry::{Entry, Known, Outcome};
use super::memory::{Memory, Remembered};
use super::read;
use super::settle::{self, Moment, Sighting, Verdict};
use super::stamp::{self, Seen, Stamp};
use crate::source::{Loan, Scan};

/// All that is known of a folder.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    options: FolderOptions,
    entries: BTreeMap<String, Entry>,
    memory: Memory,
    /// Why the folder cannot be listed.
    trouble: Option<String>,
    /// Counts what has come to count, gone, or turned out faulty.
    edition: u64,
    /// The edition of the last scan.
    told: Option<u64>,
}

/// What a look found.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Whether a scan would say something else than the last one.
    pub(super) news: bool,
    /// Whether something will settle soon if it stays as it is: a whole file, or an absence.
    pub(super) soon: Option<Instant>,
    /// Whether a file is missing that may have been renamed or replaced.
    pub(super) missing: bool,
    /// When to look again, though nothing is heard.
    pub(super) next: Option<Instant>,
}

impl Shelf {
    pub(super) fn new(folder: PathBuf, options: FolderOptions) -> Self {
        let memory = Memory::read(options.memory.clone());
        let entries = BTreeMap::new();
        Self { folder, options, entries, memory, trouble: None, edition: 0, told: None }
    }

    /// Looks at every file, and reads what has come to count.
    pub(super) fn look(&mut self, renamed: &BTreeSet<String>, now: Moment) -> View {
        let listed = match read::list(&self.folder) {
            Ok(listed) => listed,
            Err(error) => {
                self.troubled(&error);
                return self.view();
            }
        };
        if self.trouble.take().is_some() {
            self.edition += 1;
            tracing::info!(folder = %self.folder.display(), "the folder is back");
        }
        let gone = self.entries.keys().filter(|name| !listed.contains_key(*name));
        for name in gone.cloned().collect::<Vec<_>>() {
            self.absent(&name, now);
        }
        let mut due = Vec::new();
        for (name, path) in listed {
            match stamp::look(&path) {
                Seen::Absent => self.absent(&name, now),
                Seen::Unusable(reason) => self.unusable(name, path, reason),
                Seen::File(stamp) => {
                    let arrived = renamed.contains(&name);
                    due.extend(self.present(name, path, stamp, arrived, now));
                }
            }
        }
        let (known, due): (Vec<_>, Vec<_>) = due.into_iter().partition(|due| due.known.is_some());
        for due in known {
            let read = due.known.map_or(Read::Moved, Read::Known);
            self.learn(due, read, now);
        }
        let largest = self.options.largest;
        read::in_parallel(due, |due| due.read(largest), |due, read| self.learn(due, read, now));
        self.remember(now);
        self.view()
    }

    /// Keeps for the next start what was read, and has rested long enough since its last change that a stamp tells every
    /// further one.
    fn remember(&mut self, now: Moment) {
        let rested = |stamp: &Stamp| {
            now.wall.duration_since(stamp.changed()).is_ok_and(|since| since >= settle::RESTED)
        };
        let files = self.entries.values().filter_map(|entry| {
            let known = entry.known.as_ref().filter(|known| known.recheck.is_none())?;
            let stamp = known.stamp.clone().filter(rested)?;
            let digest = *entry.digest()?;
            Some((entry.path.clone(), Remembered { stamp, digest }))
        });
        self.memory.note(&self.folder, files.collect());
    }

    /// What there is, after a look. Bytes that were just read go with it.
    pub(super) fn scan(&mut self) -> Scan {
        self.told = Some(self.edition);
        let largest = self.options.largest;
        let components = self.entries.iter_mut();
        let components = components.map(|(name, entry)| (name.clone(), entry.found(largest)));
        Scan { components: components.collect(), troubles: self.trouble.iter().cloned().collect() }
    }

    /// The file that had these bytes when it was last read.
    pub(super) fn find(&self, wanted: &Digest) -> Option<PathBuf> {
        let mut entries = self.entries.values();
        entries.find(|entry| entry.digest() == Some(wanted)).map(|entry| entry.path.clone())
    }

    fn troubled(&mut self, error: &io::Error) {
        let reason = format!(
            "the folder {} cannot be read: {error}; what was there stays in use until it is back",
            self.folder.display()
        );
        if self.trouble.as_ref() != Some(&reason) {
            tracing::warn!("{reason}");
            self.trouble = Some(reason);
            self.edition += 1;
        }
    }

    fn absent(&mut self, name: &str, now: Moment) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.sighting = None;
        let first = *entry.absent.get_or_insert(now.tick);
        if settle::absence(first, now, self.options.settle) == Verdict::Settled {
            let known = self.entries.remove(name).and_then(|entry| entry.known);
            self.edition += u64::from(known.is_some());
        }
    }

    fn unusable(&mut self, name: String, path: PathBuf, reason: String) {
        let known = Known { stamp: None, outcome: Outcome::Faulty(reason), recheck: None };
        self.accept(name, path, known);
    }

    /// Notes that a file is there; says whether it is to be read.
    fn present(
        &mut self,
        name: String,
        path: PathBuf,
        stamp: Stamp,
        arrived: bool,
        now: Moment,
    ) -> Option<Due> {
        let settle = self.options.settle;
        let entry = self.entries.entry(name.clone()).or_insert_with(|| Entry::new(path.clone()));
        entry.absent = None;
        let again = entry.knows(&stamp);
        let due = if again {
            // Back to what it was, or never left it.
            entry.sighting = None;
            let recheck = entry.known.as_ref().and_then(|known| known.recheck);
            recheck.is_some_and(|at| now.tick >= at)
        } else {
            let sighting = entry.sight(&path, stamp.clone(), arrived, now);
            settle::file(sighting, now, settle) == Verdict::Settled
        };
        let known = if again { None } else { self.memory.digest(&path, &stamp) };
        due.then_some(Due { name, path, stamp, again, known })
    }

    /// Takes what came of reading a file.
    fn learn(&mut self, due: Due, read: Read, now: Moment) {
        let Due { name, path, stamp, again, .. } = due;
        let (outcome, recheck) = match read {
            Read::Known(digest) => (Outcome::Ready { digest, bytes: Loan::default() }, None),
            Read::Bytes(bytes, digest) => {
                let kept: u64 = self.entries.values().map(Entry::kept).sum();
                let keep = kept + bytes.len() as u64 <= self.options.keep;
                let bytes = if keep { Loan::keep(bytes) } else { Loan::default() };
                let recheck = settle::recheck(&stamp, now, self.options.settle);
                (Outcome::Ready { digest, bytes }, recheck.filter(|_| !again))
            }
            Read::Fault(reason) => (Outcome::Faulty(reason), Some(now.tick + settle::RETRY)),
            Read::Moved => {
                // The next look sees another stamp.
                if let Some(entry) = self.entries.get_mut(&name) {
                    entry.sighting = Some(Sighting::new(stamp, now));
                }
                return;
            }
        };
        self.accept(name, path, Known { stamp: Some(stamp), outcome, recheck });
    }

    fn accept(&mut self, name: String, path: PathBuf, known: Known) {
        let entry = self.entries.entry(name).or_insert_with(|| Entry::new(path));
        self.edition += u64::from(entry.accept(known));
    }

    fn view(&self) -> View {
        let settle = self.options.settle;
        let mut view =
            View { news: self.told != Some(self.edition), soon: None, missing: false, next: None };
        if self.trouble.is_some() {
            // Nothing settles that cannot be seen.
            return view;
        }
        for entry in self.entries.values() {
            let absent = entry.absent.map(|first| first + settle);
            let whole = entry.sighting.as_ref().filter(|sighting| !sighting.truncated);
            let whole = whole.map(|sighting| sighting.since + settle);
            let cut = entry.sighting.as_ref().filter(|sighting| sighting.truncated);
            let cut = cut.map(|sighting| sighting.since + settle::TRUNCATED);
            // What is about to be replaced is not read once more.
            let settled = entry.sighting.is_none() && entry.absent.is_none();
            let known = entry.known.as_ref().filter(|_| settled);
            let recheck = known.and_then(|known| known.recheck);
            view.missing |= absent.is_some();
            view.soon = [view.soon, absent, whole].into_iter().flatten().min();
            view.next = [view.next, absent, whole, cut, recheck].into_iter().flatten().min();
        }
        view
    }
}

/// A file that is to be read.
struct Due {
    name: String,
    path: PathBuf,
    stamp: Stamp,
    /// Whether it was read in this state before.
    again: bool,
    /// Its digest, where an earlier start has read it in this state.
    known: Option<Digest>,
}

/// What came of reading a file.
enum Read {
    /// It was not: an earlier start has.
    Known(Digest),
    Bytes(Arc<[u8]>, Digest),
    Fault(String),
    /// It changed meanwhile.
    Moved,
}

impl Due {
    fn read(&self, largest: u64) -> Read {
        let (path, size) = (self.path.display(), self.stamp.size());
        if size > largest {
            return Read::Fault(format!(
                "{path} is too large: {size} bytes, and components may have {largest}"
            ));
        }
        match read::stamped(&self.path, &self.stamp, largest) {
            Ok(Some(bytes)) => {
                let digest = Digest::of(&bytes);
                Read::Bytes(bytes, digest)
            }
            Ok(None) => Read::Moved,
            Err(error) => {
                Read::Fault(format!("{path} cannot be read: {error}; check its permissions"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_is_overwritten_at_once_keeps_nobody_busy() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("check.wasm");
        let mut shelf = Shelf::new(dir.path().to_owned(), FolderOptions::default());
        let start = Moment::now();
        let at = |millis| Moment { tick: start.tick + Duration::from_millis(millis), ..start };
        fs::write(&path, b"arrived").expect("a file");
        let view = shelf.look(&["check".to_owned()].into(), at(0));
        assert_eq!(view.next, Some(at(75).tick), "it is read once more");
        assert!(view.news);
        shelf.scan();
        // A writer that takes its time: the look that would have read it again finds it cut.
        fs::write(&path, b"\0asm").expect("a file");
        let view = shelf.look(&BTreeSet::new(), at(80));
        assert_eq!((view.news, view.next), (false, Some(at(2_080).tick)));
        let view = shelf.look(&BTreeSet::new(), at(1_000));
        assert_eq!((view.news, view.next), (false, Some(at(2_080).tick)));
        // It stays so, and counts as it is.
        assert!(shelf.look(&BTreeSet::new(), at(2_080)).news);
    }
}
