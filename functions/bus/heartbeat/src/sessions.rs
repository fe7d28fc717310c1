//! Old files of agents' sessions.

use outside::{Answer, Folder, Note};
use system_bus_sdk::Reason;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;

/// The roots with sessions and with what was written to find mistakes.
const ROOTS: [&str; 2] = ["agent-sessions", "agent-debug"];
/// How old a file may be.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);
/// How deep folders are gone into.
const DEPTH: usize = 8;
/// How many files one beat removes: the next one goes on.
const MOST: usize = 500;

/// What was removed.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many files.
    pub removed: usize,
    /// What could not be looked at or removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Removes what is older than thirty days. Nothing of it keeps a beat back.
pub(crate) fn prune(io: &Io, now: Timestamp) -> Pruned {
    let max_age = i64::try_from(MAX_AGE.as_millis()).unwrap_or(i64::MAX);
    let before = now.as_millisecond().saturating_sub(max_age);
    let mut pruned = Pruned::default();
    for root in ROOTS {
        let mut walk = Walk { folder: Folder::of(io, root), before, open: Vec::new() };
        walk.open.push((String::new(), 0));
        while let Some((path, depth)) = walk.open.pop() {
            walk.look(&path, depth, &mut pruned);
        }
    }
    pruned.problems.truncate(20);
    if !pruned.problems.is_empty() {
        Note::of(COMPONENT, "heartbeat.sessions.prune")
            .warn()
            .with("removed", pruned.removed)
            .failed(io, pruned.problems.join("; "));
    }
    pruned
}

/// A way through the folders of a root.
struct Walk<'io> {
    folder: Folder<'io>,
    /// What is older goes.
    before: i64,
    /// Folders that are still to be looked at, and how deep they are.
    open: Vec<(String, usize)>,
}

impl Walk<'_> {
    fn look(&mut self, path: &str, depth: usize, pruned: &mut Pruned) {
        let names = match self.folder.names(path) {
            Ok(names) => names,
            // Whoever has no sessions has none to remove.
            Err(refused) if refused.reason() == Reason::Missing => return,
            Err(refused) => return pruned.problems.push(refused.to_string()),
        };
        for name in names {
            let at = if path.is_empty() { name } else { format!("{path}/{name}") };
            if let Some(inner) = at.strip_suffix('/') {
                if depth < DEPTH {
                    self.open.push((inner.to_owned(), depth + 1));
                }
            } else if pruned.removed < MOST {
                match self.remove_if_old(&at) {
                    Ok(removed) => pruned.removed += usize::from(removed),
                    Err(refused) => pruned.problems.push(refused.to_string()),
                }
            }
        }
    }

    /// Whether it was removed. What nobody knows the age of stays.
    fn remove_if_old(&self, file: &str) -> Answer<bool> {
        match self.folder.changed(file) {
            Ok(Some(changed)) if changed < self.before => self.folder.remove(file).map(|()| true),
            Ok(_) => Ok(false),
            // Somebody was quicker.
            Err(refused) if refused.reason() == Reason::Missing => Ok(false),
            Err(refused) => Err(refused),
        }
    }
}
