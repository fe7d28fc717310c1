//! The watches on a folder and on the folder it is in, renewed when they come to watch nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::signals::{Signal, Signals, classify};
use super::stamp::{Identity, identity};

/// Watches one folder. Ends with its value.
#[derive(Debug)]
pub(super) struct Watch {
    folder: PathBuf,
    signals: Arc<Signals>,
    watcher: Option<RecommendedWatcher>,
    /// The folder, and the one it is in: a folder that was swapped or has come back is noticed there.
    spots: Vec<Spot>,
    /// Whether somebody was told that there are no events.
    told: bool,
}

#[derive(Debug)]
struct Spot {
    path: PathBuf,
    /// What is watched there.
    watched: Option<Identity>,
}

impl Watch {
    /// Of a folder by its absolute path. Watches nothing yet.
    pub(super) fn new(folder: &Path, signals: Arc<Signals>) -> Self {
        let spot = |path: &Path| Spot { path: path.to_owned(), watched: None };
        let spots = std::iter::once(folder).chain(folder.parent()).map(spot).collect();
        Self { folder: folder.to_owned(), signals, watcher: None, spots, told: false }
    }

    /// Watches what the paths lead to now. `uprooted` says that the present watches may be dead.
    ///
    /// To be called before a look, so that nothing can change unseen between the two.
    pub(super) fn renew(&mut self, uprooted: bool) {
        match self.try_renew(uprooted) {
            Ok(()) => self.told = false,
            Err(error) => {
                // Tried again before each look; told once.
                if !std::mem::replace(&mut self.told, true) {
                    tracing::warn!(
                        folder = %self.folder.display(), %error,
                        "the folder cannot be watched; changes are found by looking from time to time (on Linux, fs.inotify.max_user_instances and max_user_watches are the limits)"
                    );
                }
            }
        }
    }

    fn try_renew(&mut self, uprooted: bool) -> notify::Result<()> {
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            none => {
                let (signals, folder) = (self.signals.clone(), self.folder.clone());
                let handler = move |event: notify::Result<notify::Event>| {
                    let told = match event {
                        Ok(event) => classify(&event, &folder),
                        // Events may have been lost.
                        Err(_) => vec![Signal::Moved, Signal::Uprooted],
                    };
                    signals.tell(told, Instant::now());
                };
                none.insert(notify::recommended_watcher(handler)?)
            }
        };
        for spot in &mut self.spots {
            let present = identity(&spot.path);
            if present.is_some() && present == spot.watched && !uprooted {
                continue;
            }
            if spot.watched.take().is_some() {
                // It may have ended by itself.
                drop(watcher.unwatch(&spot.path));
            }
            if present.is_none() {
                // The look says what is missing.
                continue;
            }
            match watcher.watch(&spot.path, RecursiveMode::NonRecursive) {
                Ok(()) => spot.watched = present,
                Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
