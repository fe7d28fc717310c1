//! The activation log on disk: one file, shared by path, that only ever grows.
//!
//! `activations.jsonl` in the versions folder has one activation a line, as JSON. Whoever adds lines holds the file's
//! exclusive lock, reads what others have added, numbers the new lines with the next generation, writes them at once,
//! and waits until the disk has them. Readers hold an immutable [`History`] and notice growth by the file's length.
//!
//! # From when on a line holds
//!
//! A line's `at` lies after the moment in which it was written, at least a millisecond and beyond that the *lead*. So a
//! run that somebody has decided about already is older than the line, and stays as it was decided:
//!
//! - In the process that writes, the runs from `at` on wait until the line is published or has failed:
//!   [`LogFile::decided`].
//! - Other processes have the lead's time to see the line. It has to be larger than the differences of the clocks and the
//!   time between two of their [`LogFile::refresh`]; zero is right when one process owns the folder.
//!
//! # What can be broken
//!
//! A line without its end, or a generation without its last line, was never acknowledged: its writer died. The next
//! writer moves it to a file beside the log, with a warning. A line in the middle that cannot be read is an error that
//! names it. A log that was truncated or replaced while it was open is an error too, and what was known is kept.

mod error;
mod file;
mod lines;
mod lock;
mod state;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::id::RunId;
use tokio::sync::watch;

use self::file::{Known, Tail};
use self::state::{Pending, State, holds_from};
use crate::activation::Draft;
use crate::history::History;

pub use self::error::{AppendError, LogError};

/// The name of the log in the versions folder.
pub const FILE_NAME: &str = "activations.jsonl";

/// How long somebody else may hold the file's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// The open log. One for each process and folder; share it by reference.
#[derive(Debug)]
pub struct LogFile {
    known: Arc<Known>,
    lead: Duration,
    patience: Duration,
    /// The one who reads and writes the file.
    tail: Mutex<Tail>,
    state: watch::Sender<State>,
}

/// What an append has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The generation that the lines have; the present one when there was nothing to write.
    pub generation: u64,
    /// The history that ends with them.
    pub history: Arc<History>,
}

impl LogFile {
    /// Opens the log in the versions folder `dir`, or begins one; the folder is created where it is missing.
    ///
    /// A torn end is put aside and repaired. Blocks for as long as another process is writing.
    ///
    /// Fails when the file cannot be read or written, or when a line in it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, LogError> {
        let mut tail = Tail::open(dir, dir.join(FILE_NAME))?;
        let history = {
            let _lock = tail.lock(LOCK_PATIENCE)?;
            let history = tail.read(&History::default())?.unwrap_or_default();
            tail.repair()?;
            history
        };
        let state = State { history: Arc::new(history), pending: None, trouble: None };
        Ok(Self {
            known: tail.known(),
            lead: Duration::ZERO,
            patience: LOCK_PATIENCE,
            tail: Mutex::new(tail),
            state: watch::Sender::new(state),
        })
    }

    /// How long after its writing a line begins to hold: the time that other processes have to see it. Zero by default.
    #[must_use]
    pub fn with_lead(mut self, lead: Duration) -> Self {
        self.lead = lead;
        self
    }

    /// How long to wait for another process that holds the lock; ten seconds by default.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where the log is.
    pub fn path(&self) -> &Path {
        self.known.path()
    }

    /// All that is known to be on disk.
    ///
    /// To decide for a run, use [`Self::decided`] or ask [`Self::undecided`] first.
    pub fn history(&self) -> Arc<History> {
        self.state.borrow().history.clone()
    }

    /// Whether lines are being written that may hold for this run: nothing may be decided for it until they are
    /// published or have failed.
    pub fn undecided(&self, run: RunId) -> bool {
        self.state.borrow().undecided(run)
    }

    /// The history by which this run is to be decided. Waits while lines are being written that may hold for it; at once
    /// otherwise.
    pub async fn decided(&self, run: RunId) -> Arc<History> {
        if let Some(history) = self.decided_now(run) {
            return history;
        }
        let mut changes = self.state.subscribe();
        match changes.wait_for(|state| !state.undecided(run)).await {
            Ok(state) => state.history.clone(),
            // The sender is `self`'s.
            Err(_) => self.history(),
        }
    }

    /// As [`Self::decided`], but `None` where that would wait.
    pub fn decided_now(&self, run: RunId) -> Option<Arc<History>> {
        let state = self.state.borrow();
        (!state.undecided(run)).then(|| state.history.clone())
    }

    /// What is wrong with the file since it was last looked at; the known history stays in force. `None` when all is well.
    pub fn trouble(&self) -> Option<LogError> {
        self.state.borrow().trouble.clone()
    }

    /// Whether the file is not what was read last, so that [`Self::refresh`] has something to do or to tell. One system
    /// call, and never a wait.
    pub fn grown(&self) -> bool {
        self.known.grown().unwrap_or(true)
    }

    /// Reads what other processes have added, and says whether that was something. One system call when nothing has
    /// changed; otherwise it waits for whoever is writing to be done, and reads the file.
    ///
    /// Fails when the file was truncated or replaced, or has a line that cannot be read. That is also told by
    /// [`Self::trouble`] until a later look finds the file in order.
    pub fn refresh(&self) -> Result<bool, LogError> {
        let looked = match self.known.grown() {
            Ok(false) => Ok(false),
            Ok(true) => self.look(),
            Err(error) => Err(error),
        };
        self.tell(looked.as_ref().err());
        looked
    }

    fn look(&self) -> Result<bool, LogError> {
        let mut tail = self.tail();
        let _lock = tail.lock(self.patience)?;
        let news = self.read(&mut tail)?;
        // Nobody writes now, so what is left has no writer any more.
        tail.repair()?;
        Ok(news)
    }

    /// Adds the lines of one generation, and returns when the disk has them.
    ///
    /// `expected` is the generation that the caller has seen; with another one present nothing is written
    /// ([`AppendError::Conflict`]). `None` takes what is there. `now` is the time in which run ids count: the server's,
    /// as well as it is known here. It is asked twice, as the lines hold from a moment that is later than the lock.
    ///
    /// Blocks: for the lock, and for the disk. When it fails, nothing was added.
    pub fn append(
        &self,
        expected: Option<u64>,
        draft: Draft,
        now: impl Fn() -> Timestamp,
    ) -> Result<Appended, AppendError> {
        self.append_with(expected, draft, now, |_| true)
    }

    /// The same where the components must be there that the lines name: `has` is asked for each of them while nobody else
    /// can change the log or, in [`Self::exclusively`], what it speaks of. With one missing nothing is written
    /// ([`AppendError::Gone`]).
    pub fn append_with(
        &self,
        expected: Option<u64>,
        draft: Draft,
        now: impl Fn() -> Timestamp,
        has: impl Fn(&Digest) -> bool,
    ) -> Result<Appended, AppendError> {
        let mut tail = self.tail();
        let appended = self.append_to(&mut tail, expected, draft, now, has);
        match &appended {
            Ok(_) | Err(AppendError::Conflict { .. } | AppendError::Gone { .. }) => self.tell(None),
            Err(AppendError::Log(error)) => self.tell(Some(error)),
        }
        appended
    }

    fn append_to(
        &self,
        tail: &mut Tail,
        expected: Option<u64>,
        draft: Draft,
        now: impl Fn() -> Timestamp,
        has: impl Fn(&Digest) -> bool,
    ) -> Result<Appended, AppendError> {
        let _lock = tail.lock(self.patience)?;
        if self.known.grown()? {
            self.read(tail)?;
            tail.repair()?;
        }
        let history = self.history();
        let present = history.generation();
        if let Some(expected) = expected.filter(|expected| *expected != present) {
            return Err(AppendError::Conflict { expected, present });
        }
        if draft.changes.is_empty() {
            return Ok(Appended { generation: present, history });
        }
        let mut named = draft.changes.iter().filter_map(|change| change.digest);
        if let Some(digest) = named.find(|digest| !has(digest)) {
            return Err(AppendError::Gone { digest });
        }
        // From here on to its end no run is decided that the lines may hold for. The runs that were decided before this
        // are older than the second look at the clock, and so than the lines.
        let pending = Pending::begin(&self.state, holds_from(now(), self.lead, None));
        let at = holds_from(now(), self.lead, history.last());
        let generation = present + 1;
        let lines = draft.lines(generation, at);
        tail.write(&lines)?;
        let next = history.with(lines).expect("numbered and dated behind the last line");
        let history = Arc::new(next);
        pending.publish(history.clone());
        Ok(Appended { generation, history })
    }

    /// Does something with the newest history while nobody writes to the log, in this process or another.
    ///
    /// Blocks for the lock.
    pub fn exclusively<T>(&self, act: impl FnOnce(&History) -> T) -> Result<T, LogError> {
        let mut tail = self.tail();
        let _lock = tail.lock(self.patience)?;
        if self.known.grown()? {
            self.read(&mut tail)?;
            tail.repair()?;
        }
        Ok(act(&self.history()))
    }

    /// Reads what others have added, and makes it known.
    fn read(&self, tail: &mut Tail) -> Result<bool, LogError> {
        let Some(next) = tail.read(&self.history())? else { return Ok(false) };
        self.state.send_modify(|state| state.history = Arc::new(next));
        Ok(true)
    }

    fn tell(&self, trouble: Option<&LogError>) {
        if trouble.is_none() && self.state.borrow().trouble.is_none() {
            return;
        }
        let text = trouble.map(ToString::to_string);
        let news = self.state.send_if_modified(|state| {
            let news = state.trouble.as_ref().map(ToString::to_string) != text;
            state.trouble = trouble.cloned();
            news
        });
        // Once, and not at every look.
        match text.filter(|_| news) {
            Some(error) => {
                tracing::warn!(%error, "what is known of the activation log stays in force");
            }
            None if news => tracing::info!("the activation log is in order again"),
            None => {}
        }
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        // What a panic left behind is found again by the next look at the file.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
