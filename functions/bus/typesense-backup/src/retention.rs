//! What is removed after a backup. None of it fails the run: the backup is safe by then.

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::commands::{Commands, ok};
use crate::paths::is_within;
use crate::snapshot::Snapshot;

/// What came of removing something.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// What.
    pub path: String,
    /// Whether it is gone.
    pub ok: bool,
    /// Why not.
    pub error: Option<String>,
}

/// What came of the old snapshots of a root.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The root.
    pub root: String,
    /// Whether it is there.
    pub exists: bool,
    /// What stays.
    pub kept: Vec<String>,
    /// What is gone.
    pub removed: Vec<String>,
    /// What went wrong.
    pub errors: Vec<String>,
}

impl Removal {
    fn of(path: &str, done: Result<()>) -> Self {
        let error = done.err().map(|error| error.message().to_owned());
        Self { path: path.to_owned(), ok: error.is_none(), error }
    }
}

/// Removes the stage.
pub(crate) async fn clean_stage(io: &Io, stage: &str) -> Removal {
    let done = Commands::of(io).must("rm", &["-rf", stage]).await;
    Removal::of(stage, done.map(drop))
}

/// Removes the snapshot where Typesense made it.
pub(crate) async fn clean_source(io: &Io, snapshot: &Snapshot) -> Removal {
    let done = remove(&Commands::of(io), &snapshot.path).await;
    Removal::of(&snapshot.path, done)
}

/// Keeps the last snapshots of each root.
pub(crate) async fn prune(io: &Io) -> Vec<Pruned> {
    let commands = Commands::of(io);
    let mut all = Vec::new();
    for root in commands.settings.roots() {
        let mut pruned = Pruned { root: root.to_owned(), ..Pruned::default() };
        if let Err(error) = prune_root(&commands, root, &mut pruned).await {
            pruned.errors.push(error.message().to_owned());
        }
        all.push(pruned);
    }
    all
}

async fn prune_root(commands: &Commands<'_>, root: &str, pruned: &mut Pruned) -> Result<()> {
    pruned.exists = commands.at_source("test", &["-d", root]).await?.code == 0;
    if !pruned.exists {
        return Ok(());
    }
    let list = [root, "-mindepth", "1", "-maxdepth", "1", "-type", "d"];
    let found = ok(commands.at_source("find", &list).await?, "listing snapshots")?;
    let mut snapshots: Vec<_> = found.stdout.lines().map(str::trim).collect();
    snapshots.retain(|path| is_within(root, path));
    snapshots.sort_unstable();
    let keep = commands.settings.retention.min(snapshots.len());
    let (old, kept) = snapshots.split_at(snapshots.len() - keep);
    pruned.kept = kept.iter().map(|&path| path.to_owned()).collect();
    for path in old {
        match remove(commands, path).await {
            Ok(()) => pruned.removed.push((*path).to_owned()),
            Err(error) => pruned.errors.push(format!("{path}: {}", error.message())),
        }
    }
    Ok(())
}

/// Removes a snapshot, and nothing that is not one.
async fn remove(commands: &Commands<'_>, path: &str) -> Result<()> {
    if !commands.settings.roots().iter().any(|root| is_within(root, path)) {
        return Err(Error::stop(format!("{path} is in no root of snapshots, and is not removed")));
    }
    let _ = ok(commands.at_source("rm", &["-rf", path]).await?, "rm")?;
    Ok(())
}
