//! Keeps the server's list of our functions right: registers until the server has us, looks again from time to time,
//! and registers again when it has lost us (R20).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::AppId;
use protocol::sync::{SyncPayload, Synced};
use runtime::Generation;
use serde::Serialize;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::options::Options;
use crate::server_api::{ApiError, ServerApi};

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
    },
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
            SyncPayload::new(&app, options.app_version.as_deref(), url, generation.functions());
        let (state, watched) = watch::channel(SyncState::Pending { failures: 0, error: None });
        let look_again = options.look_again;
        (Self { app, payload, api, state, look_again, turn: Mutex::new(()) }, watched)
    }

    /// Registers once. `expected` is the kind of server that asked for it, if one did.
    pub async fn register(&self, expected: Option<&str>) -> Result<Synced, ApiError> {
        let _turn = self.turn.lock().await;
        let result = self.api.register(&self.payload, expected).await;
        self.state.send_modify(|state| match &result {
            Ok(_) => {
                *state = SyncState::Synced {
                    at: Timestamp::now(),
                    functions: self.payload.slugs().count(),
                };
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
        result
    }

    /// Registers until the server has us, and again when it has lost us, until it is told to stop.
    pub(crate) async fn keep_registered(self: Arc<Self>, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.forever()).await;
    }

    async fn forever(&self) {
        loop {
            let mut pauses =
                BACK_OFF.iter().chain(std::iter::repeat(&BACK_OFF[BACK_OFF.len() - 1]));
            while let Err(error) = self.register(None).await {
                let pause = *pauses.next().unwrap_or(&self.look_again);
                tracing::warn!(app = %self.app, %error, ?pause, "not registered with the server yet");
                tokio::time::sleep(pause).await;
            }
            tracing::info!(app = %self.app, functions = self.payload.slugs().count(), "registered with the server");
            self.until_lost().await;
        }
    }

    /// Returns when the server may not have our functions any more: they are missing, it was away, or a
    /// registration it asked for failed.
    async fn until_lost(&self) {
        let mut away = false;
        loop {
            tokio::time::sleep(self.look_again).await;
            if matches!(*self.state.borrow(), SyncState::Pending { .. }) {
                // It asked us to register, and that failed.
                return;
            }
            match self.api.functions(&self.app).await {
                Ok(has) => {
                    let missing: Vec<_> = self
                        .payload
                        .slugs()
                        .filter(|slug| !has.iter().any(|has| has == slug))
                        .collect();
                    if !missing.is_empty() {
                        tracing::warn!(app = %self.app, ?missing, "the server has lost functions of ours");
                        return;
                    }
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
}
