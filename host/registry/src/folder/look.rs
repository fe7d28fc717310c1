//! Looking at a folder: what is there, what of it counts, and reading what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use protocol::digest::Digest;

use super::FolderOptions;
use super::entry::{Entry, Known, Outcome};
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
        Self { folder, options, entries: BTreeMap::new(), trouble: None, edition: 0, told: None }
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
        for (name, path) in listed {
            match stamp::look(&path) {
                Seen::Absent => self.absent(&name, now),
                Seen::Unusable(reason) => self.unusable(name, path, reason),
                Seen::File(stamp) => {
                    let arrived = renamed.contains(&name);
                    self.present(name, path, stamp, arrived, now);
                }
            }
        }
        self.view()
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

    fn present(&mut self, name: String, path: PathBuf, stamp: Stamp, arrived: bool, now: Moment) {
        let settle = self.options.settle;
        let entry = self.entries.entry(name.clone()).or_insert_with(|| Entry::new(path.clone()));
        entry.absent = None;
        let again = entry.knows(&stamp);
        if again {
            // Back to what it was, or never left it.
            entry.sighting = None;
            let recheck = entry.known.as_ref().and_then(|known| known.recheck);
            if recheck.is_none_or(|at| now.tick < at) {
                return;
            }
        } else {
            let sighting = entry.sight(&path, stamp.clone(), arrived, now);
            if settle::file(sighting, now, settle) != Verdict::Settled {
                return;
            }
        }
        match self.read(&path, &stamp) {
            Some(outcome) => {
                let recheck = match &outcome {
                    Outcome::Faulty(_) => Some(now.tick + settle::RETRY),
                    Outcome::Ready { .. } if again => None,
                    Outcome::Ready { .. } => settle::recheck(&stamp, now, settle),
                };
                self.accept(name, path, Known { stamp: Some(stamp), outcome, recheck });
            }
            // It changed while it was read: the next look sees another stamp.
            None => {
                if let Some(entry) = self.entries.get_mut(&name) {
                    entry.sighting = Some(Sighting::new(stamp, now));
                }
            }
        }
    }

    fn accept(&mut self, name: String, path: PathBuf, known: Known) {
        let entry = self.entries.entry(name).or_insert_with(|| Entry::new(path));
        self.edition += u64::from(entry.accept(known));
    }

    /// The bytes of a file with this stamp; none when it has another one by the time they are read.
    fn read(&self, path: &Path, stamp: &Stamp) -> Option<Outcome> {
        let largest = self.options.largest;
        if stamp.size() > largest {
            return Some(Outcome::Faulty(format!(
                "{} is too large: {} bytes, and components may have {largest}",
                path.display(),
                stamp.size(),
            )));
        }
        let bytes = match read::stamped(path, stamp, largest) {
            Ok(bytes) => bytes?,
            Err(error) => {
                return Some(Outcome::Faulty(format!(
                    "{} cannot be read: {error}; check its permissions",
                    path.display()
                )));
            }
        };
        let digest = Digest::of(&bytes);
        let kept: u64 = self.entries.values().map(Entry::kept).sum();
        let keep = kept + bytes.len() as u64 <= self.options.keep;
        let bytes = if keep { Loan::keep(bytes) } else { Loan::default() };
        Some(Outcome::Ready { digest, bytes })
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
            let recheck = entry.known.as_ref().and_then(|known| known.recheck);
            view.missing |= absent.is_some();
            view.soon = [view.soon, absent, whole].into_iter().flatten().min();
            view.next = [view.next, absent, whole, cut, recheck].into_iter().flatten().min();
        }
        view
    }
}
