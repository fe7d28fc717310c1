//! The files that components are made of, and which of them were saved.
//!
//! Events of the file system say when to look; what was saved is decided by looking. So a file that was touched by nobody is
//! never built, and what events miss, as on network file systems, is found by a look now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use builder::project::is_noise;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// How often to look though nothing was heard.
const RESCAN: Duration = Duration::from_secs(2);

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

/// A file that was saved, or is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    /// When; now, for a file that is gone.
    pub(crate) at: SystemTime,
}

/// Where sources are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Folders, with all that is in them.
    pub(crate) folders: BTreeSet<PathBuf>,
    /// Single files, such as the manifest of a workspace.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Folders that are none of it wherever they lie: where cargo builds.
    pub(crate) except: BTreeSet<PathBuf>,
}

/// The files of some places, watched.
pub(crate) struct Sources {
    places: Places,
    seen: BTreeMap<PathBuf, Stamp>,
    news: Arc<Notify>,
    /// None where the system cannot watch; then looking has to do.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl Sources {
    /// Looks at what is there. What is there now was not saved since.
    pub(crate) fn new(places: Places) -> Self {
        let news = Arc::new(Notify::new());
        let told = Arc::clone(&news);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is what compilers do.
            if !matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. })) {
                told.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!(%error, "the sources cannot be watched; changes are found by looking every two seconds");
            })
            .ok();
        let mut sources =
            Self { places, seen: BTreeMap::new(), news, watcher, watched: BTreeSet::new() };
        sources.look();
        sources
    }

    /// Other places from now on. Files that are new to them were not saved.
    pub(crate) fn move_to(&mut self, places: Places) {
        if self.places == places {
            return;
        }
        self.places = places;
        let before = std::mem::take(&mut self.seen);
        self.look();
        // What was known and has changed meanwhile stays for the next look to find.
        for (path, stamp) in &mut self.seen {
            if let Some(old) = before.get(path) {
                *stamp = *old;
            }
        }
    }

    /// What was saved since the last look, sorted by path.
    pub(crate) fn look(&mut self) -> Vec<Saved> {
        let mut now = BTreeMap::new();
        let mut folders = BTreeSet::new();
        for folder in &self.places.folders {
            self.walk(folder, &mut now, &mut folders);
        }
        for file in &self.places.files {
            now.extend(stamp(file).map(|stamp| (file.clone(), stamp)));
            folders.extend(file.parent().map(Path::to_owned));
        }
        self.watch(folders);
        let mut saved: Vec<Saved> = now
            .iter()
            .filter(|(path, stamp)| self.seen.get(*path) != Some(stamp))
            .map(|(path, stamp)| Saved { path: path.clone(), at: stamp.modified })
            .collect();
        let gone = self.seen.keys().filter(|path| !now.contains_key(*path));
        saved.extend(gone.map(|path| Saved { path: path.clone(), at: SystemTime::now() }));
        saved.sort_by(|a, b| a.path.cmp(&b.path));
        self.seen = now;
        saved
    }

    /// Returns when something may have been saved. Cancelling it loses nothing.
    pub(crate) async fn stirred(&self) {
        tokio::select! {
            () = self.news.notified() => {}
            () = tokio::time::sleep(RESCAN) => {}
        }
    }

    fn walk(
        &self,
        folder: &Path,
        files: &mut BTreeMap<PathBuf, Stamp>,
        folders: &mut BTreeSet<PathBuf>,
    ) {
        // A folder that is in another one was walked with it.
        if self.places.except.contains(folder) || !folders.insert(folder.to_owned()) {
            return;
        }
        // A folder that has gone meanwhile has no files.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let path = entry.path();
            if is_noise(Path::new(&name)) || name == "node_modules" {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    // Where cargo builds is marked by cargo, also when it belongs to another project.
                    if !path.join("CACHEDIR.TAG").is_file() {
                        self.walk(&path, files, folders);
                    }
                }
                _ => files.extend(stamp(&path).map(|stamp| (path, stamp))),
            }
        }
    }

    /// Watches these folders, each by itself: a folder that is watched with all below it would have to have no build in it.
    fn watch(&mut self, folders: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.watched.difference(&folders) {
            // It may have ended with the folder.
            drop(watcher.unwatch(gone));
        }
        for new in folders.difference(&self.watched) {
            if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::debug!(folder = %new.display(), %error, "a folder cannot be watched; it is looked at every two seconds");
            }
        }
        self.watched = folders;
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file)?;
    Some(Stamp { modified: metadata.modified().ok()?, bytes: metadata.len() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A package in the folder of its project, with a target folder, and a manifest above.
    fn scene() -> (tempfile::TempDir, Sources) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for dir in ["package/src", "package/target/debug", "package/.git", "package/node_modules"] {
            fs::create_dir_all(root.join(dir)).expect("a folder");
        }
        fs::write(root.join("package/src/lib.rs"), "1").expect("written");
        fs::write(root.join("Cargo.toml"), "1").expect("written");
        let sources = Sources::new(Places {
            folders: [root.join("package")].into(),
            files: [root.join("Cargo.toml")].into(),
            except: [root.join("package/target")].into(),
        });
        (folder, sources)
    }

    fn looked(sources: &mut Sources, root: &Path) -> Vec<String> {
        let saved = sources.look().into_iter();
        let name =
            |saved: Saved| saved.path.strip_prefix(root).expect("below").display().to_string();
        saved.map(name).collect()
    }

    #[test]
    fn what_was_saved_is_found_once() {
        let (folder, mut sources) = scene();
        let root = folder.path();
        assert_eq!(looked(&mut sources, root), [""; 0], "what was there was not saved");
        for (file, expected) in [
            ("package/src/lib.rs", "package/src/lib.rs"),
            ("package/src/new.rs", "package/src/new.rs"),
            ("Cargo.toml", "Cargo.toml"),
            ("package/target/debug/x", ""),
            ("package/.git/index", ""),
            ("package/node_modules/x", ""),
            ("package/src/.lib.rs.swp", ""),
            ("beside.rs", ""),
        ] {
            fs::write(root.join(file), format!("{file} is longer")).expect("written");
            let expected: Vec<_> = Some(expected).into_iter().filter(|e| !e.is_empty()).collect();
            assert_eq!(looked(&mut sources, root), expected, "{file}");
            assert_eq!(looked(&mut sources, root), [""; 0], "{file}, again");
        }
        fs::remove_file(root.join("package/src/new.rs")).expect("removed");
        assert_eq!(looked(&mut sources, root), ["package/src/new.rs"], "gone");
    }

    #[test]
    fn other_places_are_no_news_and_hide_none() {
        let (folder, mut sources) = scene();
        let root = folder.path();
        fs::create_dir(root.join("other")).expect("a folder");
        fs::write(root.join("other/lib.rs"), "1").expect("written");
        fs::write(root.join("package/src/lib.rs"), "longer").expect("written");
        let mut places = sources.places.clone();
        places.folders.insert(root.join("other"));
        sources.move_to(places);
        assert_eq!(looked(&mut sources, root), ["package/src/lib.rs"]);
    }

    #[tokio::test]
    async fn a_file_in_a_folder_that_is_new_is_heard_of() {
        let (folder, mut sources) = scene();
        let root = folder.path();
        fs::create_dir(root.join("package/src/deep")).expect("a folder");
        sources.stirred().await;
        sources.look();
        fs::write(root.join("package/src/deep/a.rs"), "1").expect("written");
        sources.stirred().await;
        assert_eq!(looked(&mut sources, root), ["package/src/deep/a.rs"]);
    }
}
