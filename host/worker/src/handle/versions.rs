//! Which version of a function answers a call, and what happens when it cannot.

use std::sync::Arc;
use std::time::Duration;

use protocol::call::Call;
use protocol::crypt::Sealer;
use protocol::digest::Digest;
use protocol::function::{Checkpointing, Mode};
use protocol::handback;
use protocol::id::FunctionId;
use protocol::outcome::Outcome;
use protocol::replay::{Misfit, Rigour, answer_from_memo};
use registry::{Choice, Lease, Missing, Seen};
use runtime::CallFailed;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::busy::Busy;
use super::spans;
use super::{HandleError, Worker, failed_outcome};
use crate::chance;
use crate::stage::Stage;

/// How often a call in its last attempt, which cannot be handed back, looks again for code that is missing.
const LOOKS: u32 = 60;

/// The pause between two such looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What came of running one version.
enum Ran {
    /// This.
    Outcome(Outcome),
    /// The memo does not fit its code; nothing has happened.
    Unfit(Misfit),
    /// It fits, and has to be run without the proof.
    Fits,
}

impl Worker {
    /// Runs the function as far as it gets with a call that is complete and readable.
    pub(super) async fn go_on(
        &self,
        function: &FunctionId,
        call: Call,
        sealer: Option<&Sealer>,
    ) -> Result<Outcome, HandleError> {
        if let Some(outcome) = answer_from_memo(&call) {
            return Ok(outcome);
        }
        let Some(choice) = self.registry.choose(function, call.run).await else {
            return Err(self.unknown(&call));
        };
        let call = Arc::new(call);
        let mut looks = 0;
        loop {
            match self.first_fitting(&choice, function, &call, sealer).await {
                Ok(outcome) => return outcome.ok_or_else(|| self.unknown(&call)),
                Err(missing) => {
                    tracing::warn!(error = %missing, "handing a call back: its version is not here");
                    match back(&call, &missing.to_string()) {
                        Some(outcome) => return Ok(outcome),
                        None if looks < LOOKS => looks += 1,
                        None => return Err(missing.into()),
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The answer of the first version whose code fits the run's memo. None when no version of the function has its home
    /// here.
    async fn first_fitting(
        &self,
        choice: &Choice,
        function: &FunctionId,
        call: &Arc<Call>,
        sealer: Option<&Sealer>,
    ) -> Result<Option<Outcome>, Missing> {
        // With one version there is nothing to prove: what does not fit has no other place to go.
        let rigour = if choice.versions().len() > 1 { Rigour::Strict } else { Rigour::Lenient };
        let mut resort = None;
        for digest in choice.versions() {
            let lease = self.registry.lease(*digest, function).await?;
            if lease.component().home(function) != self.options.role {
                continue;
            }
            let outcome = match self.run(&lease, function, call, sealer, rigour).await {
                Ran::Outcome(outcome) => Some(outcome),
                Ran::Fits => {
                    self.run(&lease, function, call, sealer, Rigour::Lenient).await.outcome()
                }
                Ran::Unfit(misfit) => {
                    self.stays(function, *digest, call, &misfit);
                    None
                }
            };
            if outcome.is_some() {
                self.registry.tallies().answered(function, choice.moves_to(*digest));
                return Ok(outcome);
            }
            if resort.is_none() || !choice.moves_to(*digest) {
                resort = Some(lease);
            }
        }
        // The version it began with has another home, or its code is not what made the memo: an edit, or chance in the
        // function. What Inngest's own workers do is all that is left.
        let Some(lease) = resort else { return Ok(None) };
        Ok(self.run(&lease, function, call, sealer, Rigour::Lenient).await.outcome())
    }

    /// Runs one version.
    async fn run(
        &self,
        lease: &Lease,
        function: &FunctionId,
        call: &Arc<Call>,
        sealer: Option<&Sealer>,
        rigour: Rigour,
    ) -> Ran {
        let component = lease.component();
        let stage = self.stage(call, lease, function, sealer.cloned());
        let _guard = stage.guard();
        let invocation =
            component.invoke(function, Arc::clone(call), Arc::new(stage.clone()), rigour);
        let span = tracing::debug_span!("invocation", digest = %component.digest().short());
        let mut invocation = Busy::new(Box::pin(invocation.instrument(span.clone())));
        let invoked = tokio::select! {
            biased;
            invoked = &mut invocation => invoked,
            () = lease.expired().cancelled() => {
                match back(call, "its code was replaced, and it ran for too long") {
                    Some(outcome) => return Ran::Outcome(stage.close(outcome).await),
                    // The last attempt would be lost: it may go on.
                    None => (&mut invocation).await,
                }
            }
        };
        self.metrics().busy(function.as_str(), invocation.busy());
        spans::worked(&span, invocation.busy());
        // Its span ends with it, and what follows is the host's own.
        drop((invocation, span));
        let digest = component.digest();
        match invoked {
            Ok(Outcome::Unfit(misfit)) => Ran::Unfit(misfit),
            Ok(Outcome::Fits) => Ran::Fits,
            invoked => {
                let outcome = self.noted(function, digest, call, invoked);
                Ran::Outcome(stage.close(outcome).await)
            }
        }
    }

    /// Counts a version whose code the run does not fit, and tells of the first of each kind.
    fn stays(&self, function: &FunctionId, digest: Digest, call: &Call, misfit: &Misfit) {
        let (verdict, run, digest) = (misfit.name(), call.run, digest.short());
        if self.registry.tallies().stayed(function, verdict) {
            tracing::info!(%run, %function, digest, verdict, %misfit, "a run stays with older code");
        } else {
            tracing::debug!(%run, %function, digest, verdict, %misfit, "a run stays with older code");
        }
    }

    /// Counts what a version did.
    fn noted(
        &self,
        function: &FunctionId,
        digest: Digest,
        call: &Call,
        invoked: Result<Outcome, CallFailed>,
    ) -> Outcome {
        let seen = match &invoked {
            Err(_) => Seen::Fault,
            Ok(Outcome::StepFailed { .. }) => Seen::StepFailed,
            Ok(Outcome::Failed { .. } | Outcome::TargetNotFound { .. }) => Seen::Failed,
            Ok(Outcome::StepRan { .. } | Outcome::Done(_)) => Seen::Ran,
            Ok(_) => Seen::Planned,
        };
        self.registry.tallies().seen(function, digest, call.run, call.attempt.number, seen);
        let outcome = invoked.unwrap_or_else(|failed| failed_outcome(call.run, failed));
        self.metrics().ended(function.as_str(), call.attempt, &outcome);
        outcome
    }

    /// The way to the server of one call.
    fn stage(
        &self,
        call: &Call,
        lease: &Lease,
        function: &FunctionId,
        sealer: Option<Sealer>,
    ) -> Stage {
        let config = lease.component().functions().iter().find(|config| config.id == *function);
        let checkpointing = match config {
            Some(config) if self.options.checkpoints => config.checkpoint,
            _ => Checkpointing::Off,
        };
        // A pinned run has nothing to make way for.
        let outdated = match config {
            Some(config) if config.mode == Mode::Pinned => CancellationToken::new(),
            _ => lease.outdated().clone(),
        };
        let directory = self.directory();
        let ending = [self.leaving.clone(), outdated];
        let tell = (self.metrics().clone(), function.clone());
        Stage::new(self.api.clone(), directory, call, checkpointing, sealer, ending, tell)
    }
}

impl Ran {
    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Outcome(outcome) => Some(outcome),
            Self::Unfit(_) | Self::Fits => None,
        }
    }
}

/// Hands a call back to the server; none when that would hurt its run.
fn back(call: &Call, reason: &str) -> Option<Outcome> {
    handback::outcome(call.route.target.as_ref(), call.terms(), &chance::word(), reason)
}
