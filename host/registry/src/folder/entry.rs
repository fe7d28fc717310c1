//! What is known of one name of a folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use protocol::digest::Digest;

use super::read;
use super::settle::{Moment, Sighting};
use super::stamp::Stamp;
use crate::source::{Again, Content, Found, Loan, Origin};

/// One name.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) known: Option<Known>,
    /// A newer state, which does not count yet.
    pub(super) sighting: Option<Sighting>,
    /// Since when there is nothing under the name.
    pub(super) absent: Option<Instant>,
}

/// A state that counts.
#[derive(Debug)]
pub(super) struct Known {
    /// None for what cannot even be looked at.
    pub(super) stamp: Option<Stamp>,
    pub(super) outcome: Outcome,
    /// When to read it once more.
    pub(super) recheck: Option<Instant>,
}

/// What came of reading a file.
#[derive(Debug)]
pub(super) enum Outcome {
    Ready { digest: Digest, bytes: Loan },
    Faulty(String),
}

impl Entry {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, known: None, sighting: None, absent: None }
    }

    /// Whether its file has been read in the state of this stamp.
    pub(super) fn knows(&self, stamp: &Stamp) -> bool {
        self.known.as_ref().is_some_and(|known| known.stamp.as_ref() == Some(stamp))
    }

    /// Notes a state that does not count yet.
    pub(super) fn sight(
        &mut self,
        path: &Path,
        stamp: Stamp,
        arrived: bool,
        now: Moment,
    ) -> &Sighting {
        let seen = self.sighting.take().filter(|sighting| sighting.stamp == stamp);
        let mut sighting = seen.unwrap_or_else(|| {
            let mut sighting = Sighting::new(stamp, now);
            // What cannot be read is not waited for.
            sighting.truncated = read::is_truncated(path).unwrap_or(false);
            sighting
        });
        sighting.arrived |= arrived;
        self.sighting.insert(sighting)
    }

    /// Takes a state that counts; says whether it is news.
    pub(super) fn accept(&mut self, mut known: Known) -> bool {
        self.sighting = None;
        self.absent = None;
        let agrees = self.known.as_ref().is_some_and(|old| old.outcome.agrees(&known.outcome));
        if agrees
            && let Some(Known { outcome: Outcome::Ready { bytes: old, .. }, .. }) = &mut self.known
            && let Outcome::Ready { bytes, .. } = &mut known.outcome
        {
            // Touched, or read once more: nobody waits for the bytes unless they did before.
            *bytes = std::mem::take(old);
        }
        self.known = Some(known);
        !agrees
    }

    /// What to tell of it. Bytes that were just read go with it.
    pub(super) fn found(&mut self, largest: u64) -> Found {
        if self.sighting.is_some() || self.absent.is_some() {
            return Found::Unsettled;
        }
        match self.known.as_mut().map(|known| &mut known.outcome) {
            None => Found::Unsettled,
            Some(Outcome::Faulty(reason)) => Found::Faulty { reason: reason.clone() },
            Some(Outcome::Ready { digest, bytes }) => {
                let again = Again::File { path: self.path.clone(), largest };
                Found::Ready {
                    origin: Origin::File(self.path.clone()),
                    digest: *digest,
                    content: Content::new(*digest, bytes.lend(), again),
                }
            }
        }
    }

    /// The digest of what it was when it was last read.
    pub(super) fn digest(&self) -> Option<&Digest> {
        match &self.known.as_ref()?.outcome {
            Outcome::Ready { digest, .. } => Some(digest),
            Outcome::Faulty(_) => None,
        }
    }

    /// How many bytes are kept for the next scan.
    pub(super) fn kept(&self) -> u64 {
        match self.known.as_ref().map(|known| &known.outcome) {
            Some(Outcome::Ready { bytes, .. }) => bytes.size(),
            _ => 0,
        }
    }
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
