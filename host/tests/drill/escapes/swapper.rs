//! Somebody who swaps what is at a path, all the time.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// What is swapped, as the component calls it.
pub(super) const SWAPPED: &str = "swapped";

/// The thread. It ends with this.
pub(super) struct Swapper {
    over: Arc<AtomicBool>,
    swaps: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Swapper {
    /// Begins to swap a file, a folder with a file in it, and links to what is outside.
    pub(super) fn start(root: PathBuf, outside: PathBuf) -> Self {
        let (over, swaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ended, count) = (Arc::clone(&over), Arc::clone(&swaps));
        let thread = std::thread::spawn(move || {
            let (path, next, last) =
                (root.join(SWAPPED), root.join("next-swapped"), root.join("last-swapped"));
            // The component works at the same paths, so each of these may fail, and the next round goes on.
            let clear =
                |path: &PathBuf| drop(fs::remove_file(path).or_else(|_| fs::remove_dir_all(path)));
            while !ended.load(Ordering::Relaxed) {
                for kind in 0..4 {
                    clear(&next);
                    drop(match kind {
                        0 => fs::write(&next, "ours"),
                        1 => symlink(outside.join("secret"), &next),
                        2 => fs::create_dir(&next)
                            .and_then(|()| fs::write(next.join("secret"), "ours")),
                        _ => symlink(&outside, &next),
                    });
                    clear(&last);
                    drop(fs::rename(&path, &last));
                    drop(fs::rename(&next, &path));
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { over, swaps, thread: Some(thread) }
    }

    /// How often it has swapped so far.
    pub(super) fn swaps(&self) -> u64 {
        self.swaps.load(Ordering::Relaxed)
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
