//! Files in memory.

use std::collections::{BTreeMap, BTreeSet};

use system_bus_sdk::{Reason, Refused};

use super::with;
use crate::Answer;

/// Files by their roots and paths, and folders that were made.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    changed: BTreeMap<(String, String), i64>,
    closed: BTreeSet<String>,
    files: BTreeMap<(String, String), String>,
    folders: BTreeSet<(String, String)>,
    pub(super) down: bool,
}

impl Disk {
    pub(super) fn put(&mut self, root: &str, path: &str, content: &str) {
        self.files.insert(at(root, path), content.to_owned());
    }

    pub(super) fn get(&self, root: &str, path: &str) -> Option<String> {
        self.files.get(&at(root, path)).cloned()
    }

    pub(super) fn take(&mut self, root: &str, path: &str) {
        self.files.remove(&at(root, path));
    }

    pub(super) fn changed_at(&mut self, root: &str, path: &str, ms: i64) {
        self.changed.insert(at(root, path), ms);
    }

    pub(super) fn close(&mut self, root: &str) {
        self.closed.insert(root.to_owned());
    }

    fn has_folder(&self, root: &str, path: &str) -> bool {
        let within = within(path);
        path.is_empty()
            || self.folders.contains(&at(root, path))
            || self.files.keys().any(|(of, file)| of == root && file.starts_with(&within))
    }
}

fn at(root: &str, path: &str) -> (String, String) {
    (root.to_owned(), path.to_owned())
}

fn within(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}/") }
}

/// A root of the test's files.
#[derive(Clone, Debug)]
pub struct Root(String);

impl Root {
    pub(crate) fn of(root: &str) -> Self {
        Self(root.to_owned())
    }

    pub(crate) fn read_to_string(&self, path: &str) -> Answer<String> {
        self.reached()?;
        with(|state| state.disk.get(&self.0, path)).ok_or_else(|| self.missing(path))
    }

    pub(crate) fn write(&self, path: &str, content: &str) -> Answer<()> {
        self.reached()?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        with(|state| {
            if !state.disk.has_folder(&self.0, folder) {
                return Err(self.missing(folder));
            }
            state.disk.put(&self.0, path, content);
            Ok(())
        })
    }

    pub(crate) fn append(&self, path: &str, content: &str) -> Answer<()> {
        let before = with(|state| state.disk.get(&self.0, path)).unwrap_or_default();
        self.write(path, &(before + content))
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host may refuse it")]
    pub(crate) fn make_folder(&self, path: &str) -> Answer<()> {
        with(|state| state.disk.folders.insert(at(&self.0, path)));
        Ok(())
    }

    pub(crate) fn changed(&self, path: &str) -> Answer<Option<i64>> {
        self.read_to_string(path)?;
        Ok(with(|state| state.disk.changed.get(&at(&self.0, path)).copied()))
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Answer<()> {
        with(|state| {
            let content = state.disk.get(&self.0, from).ok_or_else(|| self.missing(from))?;
            state.disk.take(&self.0, from);
            state.disk.put(&self.0, to, &content);
            Ok(())
        })
    }

    pub(crate) fn remove(&self, path: &str) -> Answer<()> {
        with(|state| {
            let file = state.disk.files.remove(&at(&self.0, path)).is_some();
            let folder = state.disk.folders.remove(&at(&self.0, path));
            if file || folder { Ok(()) } else { Err(self.missing(path)) }
        })
    }

    pub(crate) fn names(&self, path: &str) -> Answer<Vec<String>> {
        with(|state| {
            if state.disk.closed.contains(&self.0) {
                let message = format!("the root `{}` is not granted", self.0);
                return Err(Refused::new(Reason::Denied, message));
            }
            if !state.disk.has_folder(&self.0, path) {
                return Err(self.missing(path));
            }
            let within = within(path);
            let files = state.disk.files.keys().filter(|(root, _)| *root == self.0);
            let below = files.filter_map(|(_, file)| file.strip_prefix(&within));
            let name = |rest: &str| match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            };
            let names: BTreeSet<String> = below.map(name).collect();
            Ok(names.into_iter().collect())
        })
    }

    pub(crate) fn size(&self, path: &str) -> Answer<u64> {
        self.read_to_string(path).map(|content| content.len() as u64)
    }

    fn reached(&self) -> Answer<()> {
        let message = || format!("the root `{}` cannot be reached", self.0);
        if with(|state| state.disk.down) {
            return Err(Refused::new(Reason::Unavailable, message()));
        }
        Ok(())
    }

    fn missing(&self, path: &str) -> Refused {
        Refused::new(Reason::Missing, format!("there is no `{path}` in the root `{}`", self.0))
    }
}
