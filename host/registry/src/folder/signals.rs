//! What the file system tells, folded: however many events there are, what is kept of them is small.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind, RenameMode};
use tokio::sync::Notify;

/// Names coming and going have calmed down after this long.
const QUIET: Duration = Duration::from_millis(10);

/// A look is taken this long after the first of them, even if they never calm down.
const LONGEST: Duration = Duration::from_millis(500);

/// More renamed files than this in one fold count as if they had been written.
const MOST_RENAMED: usize = 10_000;

/// One event, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    /// A name has come or gone.
    Moved,
    /// A file of this name was renamed into place.
    Renamed(String),
    /// Bytes or attributes have changed.
    Stirred,
    /// The folder itself has come or gone: what watched it may watch nothing.
    Uprooted,
}

/// What one event means for a folder of this path.
pub(super) fn classify(event: &Event, folder: &Path) -> Vec<Signal> {
    if event.need_rescan() {
        return vec![Signal::Moved, Signal::Uprooted];
    }
    let structural = match event.kind {
        EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Modify(_) | EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        // Opening and reading is what we do ourselves.
        EventKind::Access(_) => return Vec::new(),
        _ => true,
    };
    let arrival = match event.kind {
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => event.paths.first(),
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => event.paths.get(1),
        _ => None,
    };
    let mut signals = Vec::new();
    for path in &event.paths {
        if path == folder {
            if structural {
                signals.extend([Signal::Moved, Signal::Uprooted]);
            }
            continue;
        }
        let beside = path.parent() == folder.parent();
        // Whatever else happens in the parent is not about us, unless a link that the folder's path leads through is
        // swapped, as Kubernetes does with `..data`.
        if beside && !file_name(path).starts_with("..") {
            continue;
        }
        match super::name::of(path) {
            Some(name) if arrival == Some(path) => {
                signals.extend([Signal::Moved, Signal::Renamed(name)]);
            }
            _ => signals.push(if structural { Signal::Moved } else { Signal::Stirred }),
        }
    }
    signals
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// What has been told since the last look.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// When names came or went: the first and the last time.
    moved: Option<(Instant, Instant)>,
    stirred: bool,
    pub(super) renamed: BTreeSet<String>,
    pub(super) uprooted: bool,
}

impl Pending {
    /// Folds one more signal in.
    fn add(&mut self, signal: Signal, now: Instant) {
        match signal {
            Signal::Moved => {
                let first = self.moved.map_or(now, |(first, _)| first);
                self.moved = Some((first, now));
            }
            Signal::Renamed(name) if self.renamed.len() < MOST_RENAMED => {
                self.renamed.insert(name);
            }
            Signal::Renamed(_) => {}
            Signal::Stirred => self.stirred = true,
            Signal::Uprooted => self.uprooted = true,
        }
    }

    /// When these signals ask for a look, if they do. Names coming and going are waited out for a moment, so that a set
    /// that is published together is found together; a file that is being written asks for one look in each `settle`.
    fn due(&self, last_look: Instant, settle: Duration) -> Option<Instant> {
        let moved = self.moved.map(|(first, last)| (last + QUIET).min(first + LONGEST));
        let stirred = self.stirred.then(|| last_look + settle);
        [moved, stirred].into_iter().flatten().min()
    }
}

/// The signals of one folder: the watcher writes them, who waits for a change reads them.
#[derive(Debug, Default)]
pub(super) struct Signals {
    pending: Mutex<Pending>,
    news: Notify,
}

impl Signals {
    /// Folds what an event means.
    pub(super) fn tell(&self, signals: Vec<Signal>, now: Instant) {
        if signals.is_empty() {
            return;
        }
        {
            let mut pending = self.lock();
            for signal in signals {
                pending.add(signal, now);
            }
        }
        self.news.notify_one();
    }

    /// What was told, once.
    pub(super) fn take(&self) -> Pending {
        std::mem::take(&mut *self.lock())
    }

    /// Waits until a look is due: at `latest`, or earlier when signals ask for it.
    pub(super) async fn wait(&self, last_look: Instant, latest: Instant, settle: Duration) {
        loop {
            let due = self.lock().due(last_look, settle).map_or(latest, |due| due.min(latest));
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => return,
                () = self.news.notified() => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind};

    use super::*;

    #[test]
    fn events_mean_this() {
        let rename = |mode| EventKind::Modify(ModifyKind::Name(mode));
        let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let create = EventKind::Create(CreateKind::File);
        let renamed = |name: &str| vec![Signal::Moved, Signal::Renamed(name.to_owned())];
        let moved = || vec![Signal::Moved];
        let uprooted = || vec![Signal::Moved, Signal::Uprooted];
        let open = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        for (kind, paths, expected) in [
            (rename(RenameMode::To), vec!["/p/f/a.wasm"], renamed("a")),
            (rename(RenameMode::From), vec!["/p/f/a.wasm"], moved()),
            (rename(RenameMode::To), vec!["/p/f/..data"], moved()),
            (rename(RenameMode::To), vec!["/p/f/.a.wasm"], moved()),
            (create, vec!["/p/f/a.wasm"], moved()),
            (EventKind::Remove(RemoveKind::File), vec!["/p/f/a.wasm"], moved()),
            (write, vec!["/p/f/a.wasm"], vec![Signal::Stirred]),
            (closed, vec!["/p/f/a.wasm"], vec![Signal::Stirred]),
            (open, vec!["/p/f/a.wasm"], vec![]),
            (EventKind::Remove(RemoveKind::Folder), vec!["/p/f"], uprooted()),
            (rename(RenameMode::To), vec!["/p/f"], uprooted()),
            (write, vec!["/p/f"], vec![]),
            (create, vec!["/p/other"], vec![]),
            (rename(RenameMode::To), vec!["/p/..data"], moved()),
        ] {
            let mut event = Event::new(kind);
            for path in &paths {
                event = event.add_path(path.into());
            }
            assert_eq!(classify(&event, Path::new("/p/f")), expected, "{event:?}");
        }
        let both = Event::new(rename(RenameMode::Both))
            .add_path("/p/f/.a.tmp".into())
            .add_path("/p/f/a.wasm".into());
        assert!(classify(&both, Path::new("/p/f")).contains(&Signal::Renamed("a".to_owned())));
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(classify(&lost, Path::new("/p/f")), uprooted());
    }

    #[test]
    fn a_storm_is_waited_out_but_not_for_long() {
        let settle = Duration::from_millis(75);
        let start = Instant::now();
        let mut pending = Pending::default();
        assert_eq!(pending.due(start, settle), None);
        pending.add(Signal::Moved, start);
        assert_eq!(pending.due(start, settle), Some(start + QUIET));
        for event in 1..5_000 {
            pending.add(Signal::Moved, start + Duration::from_millis(event));
        }
        assert_eq!(pending.due(start, settle), Some(start + LONGEST));
    }

    #[test]
    fn a_file_being_written_asks_for_a_look_now_and_then() {
        let settle = Duration::from_millis(75);
        let start = Instant::now();
        let mut pending = Pending::default();
        pending.add(Signal::Stirred, start);
        assert_eq!(pending.due(start, settle), Some(start + settle));
        // A name that comes meanwhile is not held up by it.
        pending.add(Signal::Moved, start + QUIET);
        assert_eq!(pending.due(start, settle), Some(start + QUIET * 2));
    }

    #[test]
    fn what_is_kept_of_a_storm_is_bounded() {
        let mut pending = Pending::default();
        for number in 0..MOST_RENAMED + 100 {
            pending.add(Signal::Renamed(format!("{number}")), Instant::now());
        }
        assert_eq!(pending.renamed.len(), MOST_RENAMED);
    }
}
