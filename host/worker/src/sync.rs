//! Keeps the server's list of our functions right: registers until the server has us, again when what we announce has
//! changed, looks again from time to time, and registers again when the server has lost us (R20, R23).
//!
//! A function has one live owner. Before anything is registered, and at each look, the server is asked which other apps
//! have functions of ours with a trigger; as long as one does, we register nothing new. A function moves from one app to
//! another in this order: the app that had it retires it at its next generation, which registers it without triggers
//! and so leaves its runs where they are; then the other app's registration is not in the way of anybody any more, and
//! is made. Where two apps exchange functions, each first gives up what it no longer has.
//!
//! | module | what it does |
//! | --- | --- |
//! | `state` | whether the server has us, in words |
//! | `payloads` | from what is announced to what is told |
//! | `owners` | who else has functions of ours |

mod owners;
mod payloads;
mod state;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::sync::{Announced, Conflict, Differences, SyncPayload, Synced};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

pub(crate) use self::owners::Owners;
pub(crate) use self::payloads::Payloads;
pub use self::state::SyncState;
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

/// The pause after so many failed attempts, counted from 0.
fn pause(failures: usize) -> Duration {
    BACK_OFF[failures.min(BACK_OFF.len() - 1)]
}

/// The pause after so many attempts that others were in the way of: short at first, since a function that moves is free
/// a moment later.
pub(crate) fn pause_blocked(failures: usize, look_again: Duration) -> Duration {
    pause(failures).min(look_again)
}

/// Why the server does not have what we announce.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The server did not take it.
    #[error(transparent)]
    Server(#[from] ApiError),
    /// Others own some of it.
    #[error(
        "nothing is registered while other apps own functions of this one: {}; unload their components in one of the two apps",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    Owned(Vec<Conflict>),
    /// Another worker has taken over.
    #[error("this worker registers nothing any more: another one has taken over its app")]
    StoodDown,
}

/// Registers the app with its server.
#[derive(Debug)]
pub struct Registrar {
    payloads: Payloads,
    announced: watch::Receiver<Arc<Announced>>,
    owners: Owners,
    api: ServerApi,
    state: watch::Sender<SyncState>,
    look_again: Duration,
    /// What the server took last. One registration at a time: two would answer each other's question.
    last: Mutex<Option<Arc<Announced>>>,
    down: CancellationToken,
    elected: Option<watch::Receiver<bool>>,
}

impl Registrar {
    /// A registrar of the app that `options` names, whose calls arrive at `url`, with what it announces now and later.
    pub(crate) fn new(
        options: &Options,
        url: &Url,
        announced: watch::Receiver<Arc<Announced>>,
        api: ServerApi,
    ) -> (Self, watch::Receiver<SyncState>) {
        let (state, watched) = watch::channel(SyncState::BEGIN);
        let registrar = Self {
            payloads: Payloads::served(options, url),
            announced,
            owners: Owners::new(options, api.clone()),
            api,
            state,
            look_again: options.look_again,
            last: Mutex::new(None),
            down: CancellationToken::new(),
            elected: options.elected.clone(),
        };
        (registrar, watched)
    }

    /// Registers once, and reads back what the server has. `asked` is what came with the request for it.
    pub async fn register(&self, asked: &SyncRequest) -> Result<Synced, RegisterError> {
        let mut last = self.last.lock().await;
        if self.down.is_cancelled() {
            return Err(RegisterError::StoodDown);
        }
        let announced = Arc::clone(&self.announced.borrow());
        let payload = self.payloads.of(&announced);
        let result = self.attempt(&announced, &payload, asked, &mut last).await;
        self.state.send_modify(|state| match &result {
            Ok((_, foreign)) => {
                *state = SyncState::Synced {
                    at: Timestamp::now(),
                    functions: payload.slugs().count(),
                    payload: payload.fingerprint(),
                    foreign: Vec::new(),
                };
                state.note_foreign(&self.payloads.app, foreign.clone());
            }
            Err(RegisterError::Owned(conflicts)) => {
                state.note_conflicts(&self.payloads.app, conflicts.clone(), Timestamp::now());
            }
            Err(error) => *state = state.failed(error.to_string()),
        });
        result.map(|(synced, _)| synced)
    }

    async fn attempt(
        &self,
        announced: &Arc<Announced>,
        payload: &SyncPayload,
        asked: &SyncRequest,
        last: &mut Option<Arc<Announced>>,
    ) -> Result<(Synced, Vec<String>), RegisterError> {
        let app = &self.payloads.app;
        let conflicts = self.owners.conflicts(announced).await?;
        if !conflicts.is_empty() {
            if let Some(less) = last.as_ref().and_then(|last| last.giving_up(announced)) {
                self.api.register(app, &self.payloads.of(&less), asked).await?;
                tracing::info!(%app, functions = less.functions.len(), "gave up the functions that are not ours any more");
                *last = Some(Arc::new(less));
            }
            return Err(RegisterError::Owned(conflicts));
        }
        let synced = self.api.register(app, payload, asked).await?;
        *last = Some(Arc::clone(announced));
        match self.look(payload).await {
            Ok(Differences { wrong, foreign }) if wrong.is_empty() => Ok((synced, foreign)),
            Ok(Differences { wrong, .. }) => Err(ApiError::Differs(wrong).into()),
            // A server without this route, or one that has gone away meanwhile: what it said has to do.
            Err(error) => {
                tracing::debug!(%app, %error, "the server cannot tell what it has");
                Ok((synced, Vec::new()))
            }
        }
    }

    /// How what the server has differs from what we have.
    async fn look(&self, payload: &SyncPayload) -> Result<Differences, ApiError> {
        Ok(payload.differences(&self.api.functions(&self.payloads.app).await?))
    }

    /// From now on nothing is registered, whoever asks for it: another worker has taken over. When this returns, no
    /// registration of ours is on its way any more.
    pub async fn stand_down(&self) {
        self.down.cancel();
        // Whatever was on its way has arrived when it is our turn.
        let _last = self.last.lock().await;
        self.state.send_if_modified(|state| {
            let news = !matches!(state, SyncState::StoodDown { .. });
            if news {
                tracing::info!(app = %self.payloads.app, "registering nothing any more: another worker takes over");
                *state = SyncState::StoodDown { at: Timestamp::now() };
            }
            news
        });
    }

    /// Whether another worker has taken over.
    pub fn has_stood_down(&self) -> bool {
        self.down.is_cancelled()
    }

    /// Registers until the server has us, and again when that is needed, until it is told to stop or stands down.
    pub(crate) async fn keep_registered(self: Arc<Self>, stop: CancellationToken) {
        let down = self.down.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = down.cancelled() => {}
            () = self.forever() => {}
        }
    }

    async fn forever(&self) {
        let mut changes = self.announced.clone();
        loop {
            self.until_registered(&mut changes).await;
            self.until_needed(&mut changes).await;
        }
    }

    /// Registers what is announced, with pauses between the attempts; a change begins anew at once.
    async fn until_registered(&self, changes: &mut watch::Receiver<Arc<Announced>>) {
        let app = &self.payloads.app;
        let mut failures = 0;
        loop {
            changes.mark_unchanged();
            if !self.is_elected() {
                if self.is_registered_by_another().await {
                    tracing::info!(%app, "the elected worker has registered what is here too");
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(pause_blocked(failures, self.look_again)) => failures += 1,
                    () = self.elected() => failures = 0,
                    () = changed(changes) => failures = 0,
                }
                continue;
            }
            let pause = match self.register(&SyncRequest::default()).await {
                Ok(_) => {
                    let functions = changes.borrow().functions.len();
                    tracing::info!(%app, functions, "registered with the server");
                    return;
                }
                // It was said when it became known.
                Err(RegisterError::Owned(_)) => pause_blocked(failures, self.look_again),
                Err(error) => {
                    let pause = pause(failures);
                    tracing::warn!(%app, %error, ?pause, "not registered with the server yet");
                    pause
                }
            };
            failures += 1;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = changed(changes) => failures = 0,
            }
        }
    }

    /// Whether registering is up to this worker.
    fn is_elected(&self) -> bool {
        self.elected.as_ref().is_none_or(|elected| *elected.borrow())
    }

    /// Returns when registering has become up to this worker.
    async fn elected(&self) {
        let Some(mut elected) = self.elected.clone() else { return std::future::pending().await };
        if elected.wait_for(|elected| *elected).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Looks whether the server has what we announce, whoever told it.
    async fn is_registered_by_another(&self) -> bool {
        let _last = self.last.lock().await;
        let payload = self.payloads.of(&self.announced.borrow().clone());
        let differences = self.look(&payload).await;
        let found = matches!(&differences, Ok(Differences { wrong, .. }) if wrong.is_empty());
        self.state.send_modify(|state| match differences {
            Ok(Differences { wrong, foreign }) if wrong.is_empty() => {
                *state = SyncState::Synced {
                    at: Timestamp::now(),
                    functions: payload.slugs().count(),
                    payload: payload.fingerprint(),
                    foreign: Vec::new(),
                };
                state.note_foreign(&self.payloads.app, foreign);
            }
            Ok(_) => {
                *state = state.failed("the elected worker has not registered this yet".to_owned());
            }
            Err(error) => *state = state.failed(error.to_string()),
        });
        found
    }

    /// Returns when we have to register again: what we announce has changed; the server may not have our functions any
    /// more, since they are missing or other than ours, it was away, or a registration it asked for failed; or somebody
    /// else has one of them.
    async fn until_needed(&self, changes: &mut watch::Receiver<Arc<Announced>>) {
        let app = &self.payloads.app;
        let mut away = false;
        let was_elected = self.is_elected();
        loop {
            let news = tokio::select! {
                () = tokio::time::sleep(self.look_again) => false,
                () = changed(changes) => true,
                // What the server has is another's registration, with another's address.
                () = self.elected(), if !was_elected => return,
            };
            let announced = Arc::clone(&changes.borrow_and_update());
            let payload = self.payloads.of(&announced);
            if !self.state.borrow().has(&payload.fingerprint()) {
                // It has changed; or the server asked us to register, and that failed.
                if news {
                    self.state.send_replace(SyncState::BEGIN);
                }
                return;
            }
            if news {
                continue;
            }
            match self.look(&payload).await {
                Ok(Differences { wrong, foreign }) => {
                    if !wrong.is_empty() {
                        tracing::warn!(%app, ?wrong, "the server has not what it was told");
                        return;
                    }
                    self.state.send_if_modified(|state| state.note_foreign(app, foreign));
                    if away {
                        // It may be another one now, with our functions at an old address.
                        return;
                    }
                }
                Err(error @ ApiError::Unreachable { .. }) => {
                    if !away {
                        tracing::warn!(%app, %error, "the server is away");
                    }
                    away = true;
                    continue;
                }
                // A server without this route: what it said when we registered has to do.
                Err(error) => {
                    tracing::debug!(%app, %error, "the server cannot tell what it has");
                }
            }
            if self.owners.conflicts(&announced).await.is_ok_and(|conflicts| !conflicts.is_empty())
            {
                // Registering is refused then, which is told.
                return;
            }
        }
    }
}

/// Waits for the next change; for ever when there cannot be one any more.
async fn changed(changes: &mut watch::Receiver<Arc<Announced>>) {
    if changes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
