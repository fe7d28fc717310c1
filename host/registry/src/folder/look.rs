//! Looking at a folder: what is there, what of it counts, and reading what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Instant;

use protocol::digest::Digest;

use super::FolderOptions;
use super::settle::{self, Moment, Sighting, Verdict};
use super::stamp::{self, Seen, Stamp};
use crate::source::{Again, Content, Found, Origin, Scan};

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

/// One name.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    known: Option<Known>,
    /// A newer state, which does not count yet.
    sighting: Option<Sighting>,
    /// Since when there is nothing under the name.
    absent: Option<Instant>,
}

/// A state that counts.
#[derive(Debug)]
struct Known {
    /// None for what cannot even be looked at.
    stamp: Option<Stamp>,
    outcome: Outcome,
    /// When to read it once more.
    recheck: Option<Instant>,
}

#[derive(Debug)]
enum Outcome {
    Ready {
        digest: Digest,
        /// Until the next scan has handed them out.
        bytes: Option<Arc<[u8]>>,
        /// After that, while somebody else holds them.
        lent: Weak<[u8]>,
    },
    Faulty(String),
}

impl Outcome {
    /// Whether it says the same, whatever is kept of the bytes.
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ready { digest: one, .. }, Self::Ready { digest: other, .. }) => one == other,
            (Self::Faulty(one), Self::Faulty(other)) => one == other,
            _ => false,
        }
    }
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
        let listed = match list(&self.folder) {
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
        let entry = self.entries.entry(name.clone()).or_insert_with(|| Entry::new(path.clone()));
        entry.absent = None;
        if let Some(known) = &entry.known
            && known.stamp.as_ref() == Some(&stamp)
        {
            // Back to what it was, or never left it.
            entry.sighting = None;
            if known.recheck.is_none_or(|at| now.tick < at) {
                return;
            }
        } else {
            let settle = self.options.settle;
            let sighting = entry.sight(&path, stamp.clone(), arrived, now);
            if settle::file(sighting, now, settle) != Verdict::Settled {
                return;
            }
        }
        match self.read(&path, &stamp) {
            Some(outcome) => {
                let first = entry_recheck(self.entries.get(&name), &stamp);
                let recheck =
                    if first { settle::recheck(&stamp, now, self.options.settle) } else { None };
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

    fn accept(&mut self, name: String, path: PathBuf, mut known: Known) {
        let entry = self.entries.entry(name).or_insert_with(|| Entry::new(path));
        entry.sighting = None;
        entry.absent = None;
        if let Some(old) = &entry.known
            && old.outcome.agrees(&known.outcome)
        {
            // Touched, or read once more: not news, and nobody waits for the bytes unless they did before.
            if let (Outcome::Ready { bytes, .. }, Outcome::Ready { bytes: None, .. }) =
                (&mut known.outcome, &old.outcome)
            {
                *bytes = None;
            }
        } else {
            self.edition += 1;
        }
        entry.known = Some(known);
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
        let bytes = match read_stamped(path, stamp, largest) {
            Ok(bytes) => bytes?,
            Err(error) => {
                return Some(Outcome::Faulty(format!(
                    "{} cannot be read: {error}; check its permissions",
                    path.display()
                )));
            }
        };
        let digest = Digest::of(&bytes);
        let lent = Arc::downgrade(&bytes);
        let kept: u64 = self.entries.values().map(Entry::kept).sum();
        let keep = kept + bytes.len() as u64 <= self.options.keep;
        Some(Outcome::Ready { digest, bytes: keep.then_some(bytes), lent })
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

/// Whether bytes of this stamp are read for the first time.
fn entry_recheck(entry: Option<&Entry>, stamp: &Stamp) -> bool {
    let known = entry.and_then(|entry| entry.known.as_ref());
    known.is_none_or(|known| known.stamp.as_ref() != Some(stamp))
}

impl Entry {
    fn new(path: PathBuf) -> Self {
        Self { path, known: None, sighting: None, absent: None }
    }

    /// Notes a state that does not count yet.
    fn sight(&mut self, path: &Path, stamp: Stamp, arrived: bool, now: Moment) -> &Sighting {
        let seen = self.sighting.take().filter(|sighting| sighting.stamp == stamp);
        let mut sighting = seen.unwrap_or_else(|| {
            let mut sighting = Sighting::new(stamp, now);
            // What cannot be read is not waited for.
            sighting.truncated = is_truncated(path).unwrap_or(false);
            sighting
        });
        sighting.arrived |= arrived;
        self.sighting.insert(sighting)
    }

    fn found(&mut self, largest: u64) -> Found {
        if self.sighting.is_some() || self.absent.is_some() {
            return Found::Unsettled;
        }
        match self.known.as_mut().map(|known| &mut known.outcome) {
            None => Found::Unsettled,
            Some(Outcome::Faulty(reason)) => Found::Faulty { reason: reason.clone() },
            Some(Outcome::Ready { digest, bytes, lent }) => {
                let held = bytes.take().or_else(|| lent.upgrade());
                let again = Again::File { path: self.path.clone(), largest };
                Found::Ready {
                    origin: Origin::File(self.path.clone()),
                    digest: *digest,
                    content: Content::new(*digest, held, again),
                }
            }
        }
    }

    fn digest(&self) -> Option<&Digest> {
        match &self.known.as_ref()?.outcome {
            Outcome::Ready { digest, .. } => Some(digest),
            Outcome::Faulty(_) => None,
        }
    }

    /// How many bytes are kept for the next scan.
    fn kept(&self) -> u64 {
        match self.known.as_ref().map(|known| &known.outcome) {
            Some(Outcome::Ready { bytes: Some(bytes), .. }) => bytes.len() as u64,
            _ => 0,
        }
    }
}

fn list(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = super::name::of(&path) {
            files.insert(name, path);
        }
    }
    Ok(files)
}

fn is_truncated(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    super::sections::truncated(size, |at, into| file.read_at(into, at))
}

/// Reads a file that has this stamp before and after.
fn read_stamped(path: &Path, stamp: &Stamp, largest: u64) -> io::Result<Option<Arc<[u8]>>> {
    let file = File::open(path)?;
    if !stamp.is_of(&file.metadata()?) {
        return Ok(None);
    }
    let bytes = read_bounded(&file, largest)?;
    let same = stamp.is_of(&file.metadata()?) && bytes.len() as u64 == stamp.size();
    Ok(same.then(|| bytes.into()))
}

/// Reads a file, which may grow meanwhile, up to a byte more than the largest size.
fn read_bounded(file: &File, largest: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len().min(largest);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(largest + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file once more, whatever its stamp.
pub(super) fn read(path: &Path, largest: u64) -> io::Result<Arc<[u8]>> {
    Ok(read_bounded(&File::open(path)?, largest)?.into())
}
