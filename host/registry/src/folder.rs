//! A watched folder of components.
//!
//! A file counts when it was renamed into place, or when it has stopped changing. Writing it under another name and
//! renaming it is the way to publish: it counts within milliseconds, and nobody can see half of it. Events of the file
//! system say when to look; a look now and then finds what they miss, as on network file systems.

mod entry;
mod look;
mod memory;
mod name;
mod read;
mod sections;
mod settle;
mod signals;
mod stamp;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::digest::Digest;
use tokio::sync::Mutex;

use self::look::{Shelf, View};
use self::settle::Moment;
use self::signals::Signals;
use self::watch::Watch;
use crate::source::{Scan, SourceError};

/// Between two looks, whatever asks for the next one.
const BREATH: Duration = Duration::from_millis(2);

/// How a folder is watched.
#[derive(Debug, Clone)]
pub struct FolderOptions {
    /// A file that is written in place counts when it has not changed for this long.
    pub settle: Duration,
    /// How often to look though nothing was heard. A look costs a stat for each file.
    pub rescan: Duration,
    /// Whether to listen to the file system. Without, only `rescan` finds changes.
    pub events: bool,
    /// The largest file that is read, in bytes.
    pub largest: u64,
    /// How many bytes of files to keep in memory from reading them until a scan hands them out. Files beyond that are
    /// read twice.
    pub keep: u64,
    /// A file that keeps what was read for the next start, so that what has not changed is not read again. It belongs where
    /// nobody else can write.
    pub memory: Option<PathBuf>,
}

impl Default for FolderOptions {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(75),
            rescan: Duration::from_secs(2),
            events: true,
            largest: 256 << 20,
            keep: 64 << 20,
            memory: None,
        }
    }
}

/// A folder of `.wasm` files. The name of a component is the stem of its file; other files and hidden ones are ignored.
///
/// ```no_run
/// use registry::folder::{Folder, FolderOptions};
///
/// # async fn example() {
/// let folder = Folder::new("functions".as_ref(), FolderOptions::default());
/// loop {
///     for (name, found) in folder.scan().await.components {
///         println!("{name}: {found:?}");
///     }
///     folder.changed().await;
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Folder {
    options: FolderOptions,
    signals: Arc<Signals>,
    state: Arc<Mutex<State>>,
}

/// What one look at a time may touch.
#[derive(Debug)]
struct State {
    shelf: Shelf,
    watch: Option<Watch>,
}

impl Folder {
    /// Of a folder that need not exist yet. Nothing happens before the first scan.
    pub fn new(path: &Path, options: FolderOptions) -> Self {
        // Events carry absolute paths. A working directory that is gone leaves the path as it is: looking says more.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let signals = Arc::new(Signals::default());
        let watch = options.events.then(|| Watch::new(&path, signals.clone()));
        let shelf = Shelf::new(path, options.clone());
        let state = Arc::new(Mutex::new(State { shelf, watch }));
        Self { options, signals, state }
    }

    /// Everything that is there now. When a file has changed within the last moments, waits for it to settle, once.
    pub async fn scan(&self) -> Scan {
        if let Some(soon) = self.look().await.soon {
            tokio::time::sleep_until(soon.into()).await;
            self.look().await;
        }
        self.state.lock().await.shelf.scan()
    }

    /// Returns when a scan would find something else than the last one did. Cancelling it loses nothing; one caller at
    /// a time.
    pub async fn changed(&self) {
        loop {
            let view = self.look().await;
            // A file that is missing may have been renamed: its new name and its absence are one change.
            if view.news && !view.missing {
                return;
            }
            let now = Instant::now();
            let rescan = now + self.options.rescan;
            let latest = view.next.map_or(rescan, |next| next.max(now + BREATH).min(rescan));
            self.signals.wait(now, latest, self.options.settle).await;
        }
    }

    /// The bytes with this digest, when a file has them.
    pub async fn fetch(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        let path = self.state.lock().await.shelf.find(digest)?;
        read_again(path, self.options.largest, *digest).await.ok()
    }

    async fn look(&self) -> View {
        let mut state = self.state.clone().lock_owned().await;
        let signals = self.signals.clone();
        let look = move || {
            let pending = signals.take();
            let State { shelf, watch } = &mut *state;
            if let Some(watch) = watch {
                watch.renew(pending.uprooted);
            }
            shelf.look(&pending.renamed, Moment::now())
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(view) => view,
            // Blocking tasks are not cancelled; a panic in one goes on here.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is ending, and this future with it.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Reads a file that had this digest.
pub(crate) async fn read_again(
    path: PathBuf,
    largest: u64,
    digest: Digest,
) -> Result<Arc<[u8]>, SourceError> {
    let file = path.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let bytes = read::any(&file, largest)?;
        Ok::<_, std::io::Error>((Digest::of(&bytes) == digest).then_some(bytes))
    });
    match reading.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(SourceError::Changed { path }),
        Err(error) => Err(SourceError::Unreadable { path, reason: error.to_string() }),
    }
}
