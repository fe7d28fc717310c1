//! A generation → what the server is told of it, for as long as the worker lives.

use std::sync::Arc;
use std::time::Duration;

use protocol::role::Role;
use protocol::sync::Announced;
use registry::{Generation, Registry};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::options::Options;
use crate::server_api::ServerApi;
use crate::sync::{Payloads, SyncState};

/// What a generation has for the server: the functions whose home is this role, and without triggers those that only
/// have runs to end.
pub(crate) fn announced(generation: &Generation, role: Role) -> Announced {
    Announced {
        functions: generation.of_role(role).cloned().collect(),
        retired: generation.retired(role).cloned().collect(),
    }
}

/// Announces each further generation, until told to stop.
pub(crate) async fn follow(
    mut generations: watch::Receiver<Arc<Generation>>,
    role: Role,
    announce: watch::Sender<Arc<Announced>>,
    stop: CancellationToken,
) {
    let follow = async {
        // It ends with the registry.
        while generations.changed().await.is_ok() {
            let now = announced(&generations.borrow_and_update(), role);
            announce.send_if_modified(|before| {
                let news = **before != now;
                if news {
                    *before = Arc::new(now);
                }
                news
            });
        }
    };
    let _ = stop.run_until_cancelled(follow).await;
}

/// Lets go of retired functions whose runs have all ended.
pub(crate) struct Draining {
    registry: Arc<Registry>,
    api: ServerApi,
    payloads: Payloads,
    role: Role,
    pause: Duration,
}

impl Draining {
    pub(crate) fn new(
        registry: &Arc<Registry>,
        options: &Options,
        api: ServerApi,
        payloads: Payloads,
    ) -> Self {
        let registry = Arc::clone(registry);
        Self { registry, api, payloads, role: options.role, pause: options.look_again }
    }

    /// Asks the server from time to time whether retired functions still have runs, and lets go of those that have none.
    /// Until the server has taken their triggers away, more runs may begin, so nothing is asked before.
    pub(crate) async fn watch(self, state: watch::Receiver<SyncState>) {
        loop {
            tokio::time::sleep(self.pause).await;
            let present = self.registry.present();
            let wanted = self.payloads.of(&announced(&present, self.role)).fingerprint();
            if !state.borrow().has(&wanted) {
                continue;
            }
            for config in present.retired(self.role) {
                match self.api.unfinished(&self.payloads.app, &config.id, 1).await {
                    Ok(runs) if runs.is_empty() => {
                        tracing::info!(function = %config.id, "a function that was taken away has no unfinished run any more");
                        self.registry.drained(self.role, &config.id).await;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(function = %config.id, %error, "the server cannot tell which runs are unfinished");
                    }
                }
            }
        }
    }
}
