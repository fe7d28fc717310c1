//! Which functions the other apps of this system have, so that a function can invoke one of another role by its id.
//!
//! One task asks the server from time to time and publishes a [`Directory`]; calls read the latest one.

use std::sync::Arc;
use std::time::Duration;

use protocol::directory::Directory;
use protocol::id::AppId;
use protocol::role::Role;
use protocol::sync::Announced;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::options::Options;
use crate::server_api::ServerApi;

/// The apps that belong to the same system as a worker's own: those that it was told, and the app of the other role.
pub(crate) fn beside(options: &Options) -> Vec<AppId> {
    let roles = Role::ALL.map(Role::app);
    let others = roles.contains(&options.app).then_some(roles).into_iter().flatten();
    let mut apps = options.neighbours.clone();
    apps.extend(others.filter(|app| !options.neighbours.contains(app)));
    apps.retain(|app| *app != options.app);
    apps
}

/// Keeps a directory of the apps beside this one.
#[derive(Debug)]
pub(crate) struct Neighbours {
    own: AppId,
    /// What this worker serves itself is never looked for elsewhere.
    announced: watch::Receiver<Arc<Announced>>,
    apps: Vec<AppId>,
    api: ServerApi,
    pause: Duration,
    directory: watch::Sender<Arc<Directory>>,
}

impl Neighbours {
    pub(crate) fn new(
        options: &Options,
        announced: watch::Receiver<Arc<Announced>>,
        api: ServerApi,
    ) -> (Self, watch::Receiver<Arc<Directory>>) {
        let (own, apps) = (options.app.clone(), beside(options));
        let (directory, seen) = watch::channel(Arc::new(Directory::new(own.clone())));
        (Self { own, announced, apps, api, pause: options.look_again, directory }, seen)
    }

    /// Looks again and again until told to stop.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        if !self.apps.is_empty() {
            let _ = stop.run_until_cancelled(self.forever()).await;
        }
    }

    async fn forever(&self) {
        let mut changes = self.announced.clone();
        loop {
            if let Some(directory) = self.look().await {
                self.directory.send_replace(Arc::new(directory));
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause) => {}
                // A function that moved away is to be found where it is now.
                Ok(()) = changes.changed() => {}
            }
        }
    }

    /// What the server has for the other apps; none while it cannot tell: what was known then stays.
    async fn look(&self) -> Option<Directory> {
        let mut directory = Directory::new(self.own.clone());
        for app in &self.apps {
            match self.api.functions(app).await {
                Ok(held) => {
                    // One that is retired there has its home elsewhere.
                    let live = held.iter().filter(|held| held.has_triggers() != Some(false));
                    let functions = live.filter_map(|held| app.function_of(&held.id)?.parse().ok());
                    let served = Arc::clone(&self.announced.borrow());
                    directory = directory.with(app, functions.filter(|id| !served.serves(id)));
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
