//! Components that have changed → the next generation. All of it or, for each component that is refused, its old
//! version: nothing is half new.

mod preview;
mod report;
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use protocol::digest::{Digest, Hashed};
use protocol::id::FunctionId;

use crate::activation::{Activation, By, Draft, Percent};
use crate::history::UnknownGeneration;
use crate::log::{AppendError, LogError};
use crate::registry::{Registry, lock};

pub use self::preview::{Next, Offer, Preview};
pub use self::report::{Component, Report, Span, Verdict};
use self::stage::Stage;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Who asks.
    pub by: By,
    /// Why, for the log; may be empty.
    pub why: String,
    /// Which share of the runs that begin the new code gets. Absent, all of them; but a canary that is under way goes on
    /// as it is.
    pub percent: Option<Percent>,
    /// The generation that the caller believes to be present; another one is a conflict.
    pub expected: Option<u64>,
    /// Do everything but the activation.
    pub dry_run: bool,
    /// Also activate what was rolled back, and also when nothing would be left.
    pub force: bool,
}

impl Request {
    /// The share that new code gets.
    pub fn share(&self) -> Percent {
        self.percent.unwrap_or(Percent::ALL)
    }

    /// An ordinary request.
    pub fn by(by: By) -> Self {
        Self { by, why: String::new(), percent: None, expected: None, dry_run: false, force: false }
    }
}

/// How often a reload that expects no generation in particular is tried when other workers are in its way.
pub const TRIES: u32 = 5;

/// Why nothing was reloaded.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Another one is under way.
    #[error("another reload is under way; try again in a second")]
    Busy,
    /// Somebody else was first.
    #[error(
        "the present generation is {present}, not {expected}; look at what has changed, then try again"
    )]
    Conflict {
        /// What was expected.
        expected: u64,
        /// What is there.
        present: u64,
    },
    /// There is nothing to load from.
    #[error("this worker has no folder and no registry of components to reload from")]
    NoSource,
    /// Everything would be gone.
    #[error(
        "no component is left, and {functions} functions are active; if that is meant, ask with `force`"
    )]
    Empty {
        /// How many would go.
        functions: usize,
    },
    /// There is no such function.
    #[error(
        "there is no function {0}, and there never was one; `system-bus functions` lists what there is"
    )]
    NoFunction(FunctionId),
    /// Another worker has freed the versions folder of it meanwhile.
    #[error(
        "the component {digest} has left the versions folder meanwhile; deploy it again, or try again"
    )]
    Gone {
        /// Which component.
        digest: Digest,
    },
    /// There is no such generation to go back to.
    #[error(transparent)]
    Unknown(UnknownGeneration),
    /// The present generation is the first one.
    #[error("there is nothing to go back to: generation {present} is the first one")]
    First {
        /// The present generation; 0 where nothing was ever active.
        present: u64,
    },
    /// The log cannot be written.
    #[error(transparent)]
    Log(LogError),
    /// The versions folder cannot be written.
    #[error("{0}; nothing was changed")]
    Store(String),
}

impl Registry {
    /// Looks at what there is, and activates what is new and good. One at a time.
    ///
    /// Another worker that shares the versions folder may be first meanwhile. Whoever said which generation they expect is
    /// told; for others everything is looked at again, [`TRIES`] times.
    pub async fn reload(&self, request: &Request) -> Result<Report, ReloadError> {
        let _turn = self.turn.try_lock().map_err(|_| ReloadError::Busy)?;
        let mut tries = 1;
        let reloaded = loop {
            match self.reload_in_turn(request).await {
                // It is put there again then.
                Err(ReloadError::Gone { .. }) if tries < TRIES => tries += 1,
                Err(ReloadError::Conflict { .. })
                    if request.expected.is_none() && tries < TRIES =>
                {
                    tries += 1;
                }
                reloaded => break reloaded,
            }
        };
        let looked_only = request.dry_run || reloaded.is_err();
        if looked_only && request.by != By::Discovery {
            // Whoever waits for changes has not seen what this look has seen.
            self.passed_over.notify_one();
        }
        reloaded
    }

    async fn reload_in_turn(&self, request: &Request) -> Result<Report, ReloadError> {
        let began = Instant::now();
        let source = self.source.as_ref().ok_or(ReloadError::NoSource)?;
        // What other workers did counts before anything is compared.
        self.refresh().await;
        self.expect(request.expected)?;
        if request.by == By::Reload {
            // Whoever asks wants to know what is there now: tags are looked up, not taken from the last look.
            source.refresh().await;
        }
        let scan = source.scan().await;
        for trouble in &scan.troubles {
            tracing::warn!(trouble, "not everything could be looked at");
        }
        let _offered = self.offer(&scan);
        let before = self.adopt().await;
        let stage = Stage::new(self, &before, request).load(scan.components).await;
        self.note_rejected(&stage);
        if stage.leaves_nothing() && !request.force {
            return Err(ReloadError::Empty { functions: before.functions().count() });
        }
        let changes = stage.changes();
        let mut report = stage.report(before.number());
        if !request.dry_run && !changes.is_empty() {
            self.store(stage.bytes()).await?;
            // What was loaded to be checked is what will be served: it is not loaded again.
            stage.keep();
            let draft = Draft { changes, by: request.by, why: request.why.clone() };
            self.activate(before.number(), draft).await?;
            report.generation.after = self.adopt().await.number();
        }
        if !request.dry_run {
            stage.consider();
        }
        report.took_ms = millis(began);
        Ok(report)
    }

    pub(crate) fn expect(&self, expected: Option<u64>) -> Result<(), ReloadError> {
        let present = self.log.history().generation();
        match expected {
            Some(expected) if expected != present => {
                Err(ReloadError::Conflict { expected, present })
            }
            _ => Ok(()),
        }
    }

    /// Writes the lines of one generation to the log, if nobody was first.
    pub(crate) async fn activate(&self, expected: u64, draft: Draft) -> Result<(), ReloadError> {
        let (log, store) = (Arc::clone(&self.log), Arc::clone(&self.store));
        let append = move || {
            log.append_with(Some(expected), draft, Timestamp::now, |digest| store.has(digest))
        };
        let appended = tokio::task::spawn_blocking(append).await;
        let appended = appended.map_err(|error| ReloadError::Store(error.to_string()))?;
        let appended = appended.map_err(|error| match error {
            AppendError::Conflict { expected, present } => {
                ReloadError::Conflict { expected, present }
            }
            AppendError::Gone { digest } => ReloadError::Gone { digest },
            AppendError::Log(error) => ReloadError::Log(error),
        })?;
        let lines = appended.history.all().rev();
        lines.take_while(|line| line.generation == appended.generation).for_each(announce);
        Ok(())
    }

    async fn store(&self, components: Vec<Hashed>) -> Result<(), ReloadError> {
        self.make_room(&components, Timestamp::now()).await.map_err(ReloadError::Store)?;
        let store = Arc::clone(&self.store);
        let put = tokio::task::spawn_blocking(move || {
            components.into_iter().try_for_each(|component| store.put(component).map(drop))
        });
        match put.await {
            Ok(put) => put.map_err(|error| ReloadError::Store(error.to_string())),
            Err(error) => Err(ReloadError::Store(error.to_string())),
        }
    }

    fn note_rejected(&self, stage: &Stage<'_>) {
        let now: BTreeMap<_, _> = stage.rejected().collect();
        *lock(&self.rejected) = now;
    }
}

/// One log line for each activation.
fn announce(line: &Activation) {
    let digest = line.digest.as_ref().map(Digest::short);
    tracing::info!(
        function = %line.function,
        component = line.component,
        digest,
        percent = %line.percent,
        generation = line.generation,
        by = ?line.by,
        why = line.why,
        "activated"
    );
}

pub(crate) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
