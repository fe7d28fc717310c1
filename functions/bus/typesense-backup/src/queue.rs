//! Where a snapshot waits that did not reach the NAS.

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::commands::Commands;

/// A copy on this machine.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Where it is.
    pub path: String,
    /// Whether all of it is there.
    pub ok: bool,
    /// Why not.
    pub error: Option<String>,
}

/// Copies the stage to the queue. That it cannot is an answer: the snapshot is still at its source.
pub(crate) async fn put(io: &Io, stage: &str, stamp: &str) -> Queued {
    let commands = Commands::of(io);
    let path = format!("{}/typesense/{stamp}", commands.settings.queue_root);
    let copied = async {
        let _ = commands.must("mkdir", &["-p", &path]).await?;
        let _ = commands.must("rsync", &["-a", &format!("{stage}/"), &format!("{path}/")]).await?;
        Ok::<(), Error>(())
    };
    let error = copied.await.err().map(|error| error.message().to_owned());
    Queued { path, ok: error.is_none(), error }
}
