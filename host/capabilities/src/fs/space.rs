//! One open root, with the count of what it holds.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::quota::{Change, Exceeded, Held, Quota};

/// How old a count is that is not believed when it says that there is no room: others may have made some.
const OLD: Duration = Duration::from_secs(10);

/// One open root. Many may read it at once; one at a time changes it.
#[derive(Debug)]
pub(crate) struct Space {
    dir: Dir,
    ledger: Arc<Mutex<Ledger>>,
    /// The lock that tells other workers that somebody works in it; only for folders of runs.
    _claim: Option<std::fs::File>,
}

/// What a root holds, as far as somebody had to count it. Who has it is the one who may change the root.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    counted: Option<Counted>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    held: Held,
    at: Instant,
}

/// Why a change is not made.
#[derive(Debug)]
pub(crate) enum Full {
    /// It would break a limit.
    Exceeded(Exceeded),
    /// What is there cannot be counted.
    Unknown(io::Error),
    /// Nobody waits for it any more.
    Stopped,
}

impl Space {
    /// A root of which nothing is known yet.
    pub(crate) fn new(dir: Dir) -> Self {
        Self { dir, ledger: Arc::default(), _claim: None }
    }

    /// The same, with a lock that is held for as long as it is there.
    pub(crate) fn claimed(dir: Dir, claim: std::fs::File) -> Self {
        Self { _claim: Some(claim), ..Self::new(dir) }
    }

    /// A root that holds this.
    pub(crate) fn counted(dir: Dir, held: Held) -> Self {
        let counted = Some(Counted { held, at: Instant::now() });
        Self { dir, ledger: Arc::new(Mutex::new(Ledger { counted })), _claim: None }
    }

    /// Its handle.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The turn to change it.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<Ledger> {
        Arc::clone(&self.ledger).lock_owned().await
    }
}

impl Ledger {
    /// Whether a change may be made, at this time. `count` walks the root, and is called where nothing is known, or where
    /// what is known is old and says no; it answers with nothing when it was stopped.
    pub(crate) fn allows(
        &mut self,
        quota: Quota,
        change: Change,
        now: Instant,
        count: impl FnOnce() -> io::Result<Option<Held>>,
    ) -> Result<(), Full> {
        if !quota.counts() {
            return Ok(());
        }
        if let Some(known) = self.counted {
            match quota.allows(known.held, change) {
                Err(exceeded) if now.saturating_duration_since(known.at) < OLD => {
                    return Err(Full::Exceeded(exceeded));
                }
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
        let held = count().map_err(Full::Unknown)?.ok_or(Full::Stopped)?;
        self.counted = Some(Counted { held, at: now });
        quota.allows(held, change).map_err(Full::Exceeded)
    }

    /// What is known of the root.
    #[cfg(test)]
    pub(crate) fn held(&self) -> Option<Held> {
        self.counted.map(|known| known.held)
    }

    /// Keeps what has been changed.
    pub(crate) fn changed(&mut self, change: Change) {
        if let Some(known) = &mut self.counted {
            known.held = known.held.after(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> io::Result<Option<Held>> {
        panic!("nobody asked for a count")
    }

    #[test]
    fn a_count_is_taken_once_and_again_only_where_it_says_no_and_is_old() {
        let mut ledger = Ledger::default();
        let start = Instant::now();
        let quota = Quota { bytes: Some(100), files: None };
        let add = |bytes| Change { new: Held::file(bytes), ..Change::default() };
        ledger.allows(Quota::default(), add(1_000), start, never).expect("nobody counts");
        let thirty = || Ok(Some(Held { bytes: 30, files: 1 }));
        ledger.allows(quota, add(70), start, thirty).expect("room");
        ledger.changed(add(70));
        let soon = start + OLD / 2;
        let full = ledger.allows(quota, add(1), soon, never).expect_err("full");
        assert!(matches!(full, Full::Exceeded(Exceeded::Bytes { held: 100, .. })), "{full:?}");
        ledger.allows(quota, add(0), soon, never).expect("nothing more");
        // Meanwhile somebody else has removed something.
        let later = start + OLD;
        ledger.allows(quota, add(70), later, thirty).expect("room again");
        // And now nobody has.
        let full = ledger.allows(quota, add(71), later + OLD, thirty).expect_err("full");
        assert!(matches!(full, Full::Exceeded(Exceeded::Bytes { held: 30, .. })), "{full:?}");
        let stopped = ledger.allows(quota, add(71), later + OLD * 2, || Ok(None));
        assert!(matches!(stopped, Err(Full::Stopped)));
    }
}
