//! Which functions the other apps of this system have, so that a function can invoke one of another role by its id.
//!
//! One task asks the server from time to time and publishes a [`Directory`]; calls read the latest one.

use std::sync::Arc;
use std::time::Duration;

use protocol::directory::Directory;
use protocol::id::{AppId, FunctionId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::server_api::ServerApi;

/// Keeps a directory of the apps beside this one.
#[derive(Debug)]
pub(crate) struct Neighbours {
    own: AppId,
    /// What this worker has itself: never looked for elsewhere.
    served: Vec<FunctionId>,
    apps: Vec<AppId>,
    api: ServerApi,
    pause: Duration,
    directory: watch::Sender<Arc<Directory>>,
}

impl Neighbours {
    pub(crate) fn new(
        own: AppId,
        served: Vec<FunctionId>,
        apps: Vec<AppId>,
        api: ServerApi,
        pause: Duration,
    ) -> (Self, watch::Receiver<Arc<Directory>>) {
        let (directory, seen) = watch::channel(Arc::new(Directory::new(own.clone())));
        (Self { own, served, apps, api, pause, directory }, seen)
    }

    /// Looks again and again until told to stop.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        if !self.apps.is_empty() {
            let _ = stop.run_until_cancelled(self.forever()).await;
        }
    }

    async fn forever(&self) {
        loop {
            if let Some(directory) = self.look().await {
                self.directory.send_replace(Arc::new(directory));
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    /// What the server has for the other apps; none while it cannot tell: what was known then stays.
    async fn look(&self) -> Option<Directory> {
        let mut directory = Directory::new(self.own.clone());
        for app in &self.apps {
            match self.api.functions(app).await {
                Ok(held) => {
                    let functions =
                        held.iter().filter_map(|held| app.function_of(&held.id)?.parse().ok());
                    directory =
                        directory.with(app, functions.filter(|id| !self.served.contains(id)));
                }
                Err(error) => {
                    tracing::debug!(%app, %error, "the functions of another app are not known now");
                    return None;
                }
            }
        }
        Some(directory)
    }
}
