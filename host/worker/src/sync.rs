//! Keeps the server's list of our functions right: registers until the server has us, looks again from time to time,
//! and registers again when it has lost us (R20).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::AppId;
use protocol::sync::{Differences, SyncPayload, Synced};
use runtime::Generation;
use serde::Serialize;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::options::Options;
use crate::server_api::{ApiError, ServerApi, SyncRequest};

/// Pauses between attempts to register; the last one repeats.
const BACK_OFF: [Duration; 7] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// Whether the server has our functions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SyncState {
    /// Not yet, or not any more.
    Pending {
        /// How often it was tried without success.
        failures: u32,
        /// Why the last attempt failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Yes.
    Synced {
        /// Since when.
        at: Timestamp,
        /// How many functions.
        functions: usize,
        /// Slugs that the server has for our app and we do not know: another worker registers the same app. They are
        /// told and not fought over; two workers that take functions from each other would not end.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        foreign: Vec<String>,
    },
}

impl SyncState {
    /// Takes down which functions of our app are not ours; whether that has changed.
    pub(crate) fn note_foreign(&mut self, app: &AppId, now: Vec<String>) -> bool {
        let Self::Synced { foreign, .. } = self else { return false };
        if *foreign == now {
            return false;
        }
        if !now.is_empty() {
            tracing::warn!(%app, foreign = ?now, "another worker registers the same app; give one of them another app id");
        }
        *foreign = now;
        true
    }
}

/// Registers the app with its server.
#[derive(Debug)]
pub struct Registrar {
    app: AppId,
    payload: SyncPayload,
    api: ServerApi,
    state: watch::Sender<SyncState>,
    look_again: Duration,
    /// One registration at a time: two would answer each other's question.
    turn: Mutex<()>,
}

impl Registrar {
    pub(crate) fn new(
        options: &Options,
        url: &Url,
        generation: &Generation,
        api: ServerApi,
    ) -> (Self, watch::Receiver<SyncState>) {
        let app = options.app.clone();
        let payload =
            SyncPayload::new(&app, options.app_version.as_deref(), url, generation.functions())
                .announcing(options.capabilities());
        let (state, watched) = watch::channel(SyncState::Pending { failures: 0, error: None });
        let look_again = options.look_again;
        (Self { app, payload, api, state, look_again, turn: Mutex::new(()) }, watched)
    }

    /// Registers once, and reads back what the server has. `asked` is what came with the request for it.
    pub async fn register(&self, asked: &SyncRequest) -> Result<Synced, ApiError> {
        let _turn = self.turn.lock().await;
        let result = self.register_and_look(asked).await;
        self.state.send_modify(|state| match &result {
            Ok((_, foreign)) => {
                let functions = self.payload.slugs().count();
                let foreign = foreign.clone();
                *state = SyncState::Synced { at: Timestamp::now(), functions, foreign };
            }
            Err(error) => {
                let failures = match state {
                    SyncState::Pending { failures, .. } => *failures,
                    SyncState::Synced { .. } => 0,
                };
                *state =
                    SyncState::Pending { failures: failures + 1, error: Some(error.to_string()) };
            }
        });
        result.map(|(synced, _)| synced)
    }

    async fn register_and_look(
        &self,
        asked: &SyncRequest,
    ) -> Result<(Synced, Vec<String>), ApiError> {
        let synced = self.api.register(&self.app, &self.payload, asked).await?;
        match self.look().await {
            Ok(Differences { wrong, foreign }) if wrong.is_empty() => Ok((synced, foreign)),
            Ok(Differences { wrong, .. }) => Err(ApiError::Differs(wrong)),
            // A server without this route, or one that has gone away meanwhile: what it said has to do.
            Err(error) => {
                tracing::debug!(app = %self.app, %error, "the server cannot tell what it has");
                Ok((synced, Vec::new()))
            }
        }
    }

    /// How what the server has differs from what we have.
    async fn look(&self) -> Result<Differences, ApiError> {
        Ok(self.payload.differences(&self.api.functions(&self.app).await?))
    }

    /// Registers until the server has us, and again when it has lost us, until it is told to stop.
    pub(crate) async fn keep_registered(self: Arc<Self>, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.forever()).await;
    }

    async fn forever(&self) {
        loop {
            let mut pauses =
                BACK_OFF.iter().chain(std::iter::repeat(&BACK_OFF[BACK_OFF.len() - 1]));
            while let Err(error) = self.register(&SyncRequest::default()).await {
                let pause = *pauses.next().unwrap_or(&self.look_again);
                tracing::warn!(app = %self.app, %error, ?pause, "not registered with the server yet");
                tokio::time::sleep(pause).await;
            }
            tracing::info!(app = %self.app, functions = self.payload.slugs().count(), "registered with the server");
            self.until_lost().await;
        }
    }

    /// Returns when the server may not have our functions any more: they are missing or have other triggers, it was
    /// away, or a registration it asked for failed.
    async fn until_lost(&self) {
        let mut away = false;
        loop {
            tokio::time::sleep(self.look_again).await;
            if matches!(*self.state.borrow(), SyncState::Pending { .. }) {
                // It asked us to register, and that failed.
                return;
            }
            match self.look().await {
                Ok(Differences { wrong, foreign }) => {
                    if !wrong.is_empty() {
                        tracing::warn!(app = %self.app, ?wrong, "the server has not what it was told");
                        return;
                    }
                    self.note_foreign(foreign);
                    if away {
                        // It may be another one now, with our functions at an old address.
                        return;
                    }
                }
                Err(error @ ApiError::Unreachable { .. }) => {
                    if !away {
                        tracing::warn!(app = %self.app, %error, "the server is away");
                    }
                    away = true;
                }
                // A server without this route: what it said when we registered has to do.
                Err(error) => {
                    tracing::debug!(app = %self.app, %error, "the server cannot tell what it has");
                }
            }
        }
    }

    /// Tells of functions that the server has for our app and that are not ours, when they have changed.
    fn note_foreign(&self, now: Vec<String>) {
        self.state.send_if_modified(|state| state.note_foreign(&self.app, now));
    }
}
