//! What a registry does by itself: follows the log, looks for new components, judges canaries, frees what nothing uses.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Registry, lock};
use crate::activation::{By, Percent};
use crate::reload::{ReloadError, Request};

/// How often the log is looked at for what other workers wrote. A call looks too, before it decides.
const FOLLOW: Duration = Duration::from_millis(100);

/// How often unused code is freed, and calls on replaced code are looked at.
const SWEEP: Duration = Duration::from_millis(500);

/// How often canaries are judged.
const JUDGE: Duration = Duration::from_secs(1);

/// How often the versions folder is freed of what no run needs.
const FREE: Duration = Duration::from_mins(1);

/// The pause after a reload that another one was in the way of.
const AGAIN: Duration = Duration::from_millis(100);

impl Registry {
    /// Keeps the present generation what the log and the sources say, until told to stop. `watching`: the share of runs
    /// that changes of the sources get by themselves; none, when somebody has to ask for a reload.
    pub async fn keep_current(self: Arc<Self>, watching: Option<Percent>, stop: CancellationToken) {
        let work = Box::pin(async {
            tokio::join!(
                self.follow(),
                self.discover(watching),
                self.sweep(),
                self.judge(),
                self.free(),
            );
        });
        let _ = stop.run_until_cancelled(work).await;
    }

    async fn follow(&self) {
        loop {
            tokio::time::sleep(FOLLOW).await;
            self.refresh().await;
            // Also when nothing was read now: a call may have been first to see it.
            self.adopt().await;
        }
    }

    async fn discover(&self, watching: Option<Percent>) {
        let (Some(source), Some(percent)) = (&self.source, watching) else { return };
        loop {
            tokio::select! {
                () = source.changed() => {}
                () = self.passed_over.notified() => {}
            }
            self.take_up(percent).await;
        }
    }

    /// Takes up what has changed, after whoever is at it already.
    async fn take_up(&self, percent: Percent) {
        loop {
            let request = Request { percent: Some(percent), ..Request::by(By::Discovery) };
            match self.reload(&request).await {
                Ok(report) => return report.log(),
                Err(ReloadError::Busy | ReloadError::Conflict { .. }) => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return tracing::error!(%error, "a change was not taken up"),
            }
        }
    }

    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let active = self.present();
            let active = active.versions();
            let mut loaded = lock(&self.loaded);
            for version in loaded.values() {
                version.expire_after(self.options.deadline);
            }
            loaded.retain(|digest, version| {
                active.contains_key(digest) || !version.idle_for(self.options.idle)
            });
        }
    }

    async fn free(&self) {
        loop {
            tokio::time::sleep(FREE).await;
            if let Err(error) = self.free_versions(Timestamp::now()).await {
                tracing::warn!(%error, "the versions folder is not freed of what no run needs");
            }
        }
    }

    async fn judge(&self) {
        loop {
            tokio::time::sleep(JUDGE).await;
            self.judge_canaries().await;
        }
    }
}
