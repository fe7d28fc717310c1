//! One call's way to the server while its function runs: what it sends, and what is stored of it meanwhile.
//!
//! A function that goes on after a step takes one call for a row of steps instead of one for each. The rules, from the
//! protocol: a step is kept only when the server has it or will have it before the reply; what could not be stored is
//! part of the reply; and when the server says that another call has the work, nothing more runs.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::call::{Attempt, Call, Dispatch};
use protocol::crypt::Sealer;
use protocol::directory::Directory;
use protocol::function::Checkpointing;
use protocol::id::{FunctionId, RunId};
use protocol::op::{ErrorObject, Op, OpCode, Retry};
use protocol::outcome::Outcome;
use protocol::replay::{Message, Sending};
use runtime::{Backstage, Stored};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::server_api::{ApiError, NotStored, ServerApi};

/// How long one call goes on where its function says nothing: afterwards the next step is another call's.
const LONGEST: Duration = Duration::from_mins(5);

/// One call's way to the server. Clones share it.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Inner>);

struct Inner {
    api: ServerApi,
    directory: Arc<Directory>,
    run: RunId,
    attempt: Attempt,
    dispatch: Dispatch,
    started: Timestamp,
    began: Instant,
    /// None where each step ends its call.
    rhythm: Option<Rhythm>,
    /// Set when the worker is about to stop, and when newer code is active: the next step is another call's.
    ending: [CancellationToken; 2],
    /// Encrypts what goes to the server, where that is wanted.
    sealer: Option<Sealer>,
    superseded: CancellationToken,
    held: Mutex<Vec<Op>>,
    timer: std::sync::Mutex<Option<AbortHandle>>,
    /// Where steps are counted, and the function whose they are.
    counts: (Metrics, FunctionId),
}

impl Inner {
    fn is_ending(&self) -> bool {
        self.ending.iter().any(CancellationToken::is_cancelled)
    }

    /// Whether the step cannot be stored as it is: encrypted, its result is too large. Its function must not go on with a
    /// value that later calls will not have.
    fn refuses(&self, step: &Op) -> bool {
        self.sealer.as_ref().is_some_and(|sealer| !sealer.fits(step))
    }

    /// Steps as the server gets them.
    fn sealed<'o>(&self, steps: &'o [Op]) -> Cow<'o, [Op]> {
        match &self.sealer {
            Some(sealer) => steps.iter().map(|step| sealer.op(step.clone())).collect(),
            None => Cow::Borrowed(steps),
        }
    }
}

/// See [`Stage::guard`].
pub(crate) struct Guard(Stage);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.put_timer(None);
    }
}

/// When held steps are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rhythm {
    steps: usize,
    interval: Option<Duration>,
    longest: Duration,
}

impl Rhythm {
    fn of(checkpointing: Checkpointing) -> Option<Self> {
        match checkpointing {
            Checkpointing::Off => None,
            Checkpointing::EveryStep => Some(Self { steps: 1, interval: None, longest: LONGEST }),
            Checkpointing::Batched { steps, interval, max_runtime } => Some(Self {
                steps: usize::try_from(steps.get()).unwrap_or(usize::MAX),
                interval,
                longest: max_runtime.unwrap_or(LONGEST),
            }),
        }
    }
}

impl Stage {
    /// The stage of a call. `ending` are set when the worker is about to stop, and when newer code is active.
    pub(crate) fn new(
        api: ServerApi,
        directory: Arc<Directory>,
        call: &Call,
        checkpointing: Checkpointing,
        sealer: Option<Sealer>,
        ending: [CancellationToken; 2],
        counts: (Metrics, FunctionId),
    ) -> Self {
        Self(Arc::new(Inner {
            api,
            directory,
            run: call.run,
            attempt: call.attempt,
            dispatch: call.dispatch.clone(),
            started: Timestamp::now(),
            began: Instant::now(),
            rhythm: Rhythm::of(checkpointing).filter(|_| call.may_checkpoint()),
            ending,
            sealer,
            superseded: CancellationToken::new(),
            held: Mutex::default(),
            timer: std::sync::Mutex::default(),
            counts,
        }))
    }

    /// Ends what waits on behalf of the call when its future is dropped, answered or not: nobody else would, and what is
    /// held would never be freed.
    pub(crate) fn guard(&self) -> Guard {
        Guard(self.clone())
    }

    /// Ends the call: what is held is stored, or else reported with the outcome.
    pub(crate) async fn close(&self, outcome: Outcome) -> Outcome {
        self.put_timer(None);
        if self.0.rhythm.is_none() {
            return outcome;
        }
        if matches!(&outcome, Outcome::Planned(ops) if ops.is_empty()) {
            // The call ended because steps could not be stored: asking the server once more would only take longer.
            let held = std::mem::take(&mut *self.0.held.lock().await);
            let stored_after_all = held.is_empty();
            return if stored_after_all {
                Outcome::Again { unique: self.unique() }
            } else {
                Outcome::Planned(held)
            };
        }
        match self.flush().await {
            _ if self.0.superseded.is_cancelled() => Outcome::Superseded,
            Ok(()) => outcome,
            Err(held) => Outcome::Planned(with(held, outcome, self.0.attempt)),
        }
    }

    /// Stores what is held; what it is when that fails.
    async fn flush(&self) -> Result<(), Vec<Op>> {
        let call = &*self.0;
        let mut held = call.held.lock().await;
        if held.is_empty() {
            return Ok(());
        }
        let steps = call.sealed(&held);
        match call.api.checkpoint(call.run, &call.dispatch, call.started, &steps).await {
            Ok(()) => {
                held.clear();
                Ok(())
            }
            Err(NotStored::Superseded) => {
                tracing::info!(run = %call.run, "another call has this work; this one stops");
                call.superseded.cancel();
                Err(std::mem::take(&mut *held))
            }
            Err(NotStored::Failed(error)) => {
                let steps = held.len();
                tracing::warn!(run = %call.run, steps, %error, "steps could not be stored; they are reported with the reply");
                Err(held.clone())
            }
        }
    }

    /// A text that no other call of this run has.
    fn unique(&self) -> String {
        let request = self.0.dispatch.request_id.as_deref().unwrap_or_default();
        format!("{request}-{}", self.0.started.as_nanosecond())
    }

    /// Stores what is held when the first of it has waited long enough, or when the worker is about to stop: a call that
    /// is handed back then loses nothing that has ended.
    fn start_timer(&self, interval: Option<Duration>) {
        let stage = self.clone();
        let task = tokio::spawn(async move {
            let waited = async {
                match interval {
                    Some(interval) => tokio::time::sleep(interval).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = waited => {}
                () = stage.0.ending[0].cancelled() => {}
                () = stage.0.ending[1].cancelled() => {}
            }
            // What fails now is tried again with the next step or with the reply.
            let _ = stage.flush().await;
        });
        self.put_timer(Some(task.abort_handle()));
    }

    /// Whether what is held waits for no moment: its last one has passed in vain.
    fn has_no_timer(&self) -> bool {
        let place = self.0.timer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        place.as_ref().is_none_or(AbortHandle::is_finished)
    }

    fn put_timer(&self, timer: Option<AbortHandle>) {
        // Nothing panics while it is locked.
        let mut place = self.0.timer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(old) = std::mem::replace(&mut *place, timer) {
            old.abort();
        }
    }
}

/// What is reported when steps are still held: they come first, in their order. A result or a failure of the function
/// waits for the next call, which gets there again with all of them; a failed step is told, or its attempt would not
/// count.
fn with(mut held: Vec<Op>, outcome: Outcome, attempt: Attempt) -> Vec<Op> {
    match outcome {
        Outcome::Planned(ops) => held.extend(ops),
        Outcome::StepRan { step, race, data, timing } => {
            held.push(Op { step, race, code: OpCode::StepRun { data, timing } });
        }
        Outcome::StepFailed { step, race, error, retry, timing } => {
            let last = retry == Retry::Never || attempt.is_last();
            let code = if last {
                OpCode::StepFailed { error, timing }
            } else {
                OpCode::StepError { error, timing }
            };
            held.push(Op { step, race, code });
        }
        _ => {}
    }
    held
}

#[async_trait]
impl Backstage for Stage {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.0.directory)
    }

    async fn send(&self, sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)> {
        let call = &*self.0;
        let (class, sent) = match &sending.what {
            Message::Events(events) => {
                let events = match &call.sealer {
                    Some(sealer) => Cow::Owned(sealer.events(events)),
                    None => Cow::Borrowed(events),
                };
                let sent = call.api.send_events(&events, call.run, sending.step.id).await;
                ("SendEventError", sent.map(|ids| json!({ "ids": ids })))
            }
            Message::Signal { signal, data } => {
                let sealed = call.sealer.as_ref().map(|sealer| sealer.member(data.clone()));
                let data = sealed.as_ref().unwrap_or(data);
                let sent = call.api.send_signal(signal, data).await;
                let told = sent.map(|run| run.map_or(json!(null), |run| json!({ "run_id": run })));
                ("SendSignalError", told)
            }
        };
        let written = sent.and_then(|sent| {
            to_raw_value(&sent).map_err(|error| ApiError::Answer(error.to_string()))
        });
        written.map_err(|error| {
            let step = &sending.step.name;
            tracing::warn!(step, run = %call.run, %error, "a step could not send");
            (ErrorObject::new(class, error.to_string()), Retry::Again)
        })
    }

    fn stores(&self) -> bool {
        self.0.rhythm.is_some()
    }

    async fn store(&self, step: Op) -> Stored {
        let Some(rhythm) = self.0.rhythm else { return Stored::No };
        if self.0.refuses(&step) {
            return Stored::No;
        }
        let (metrics, function) = &self.0.counts;
        metrics.told(function.as_str(), &step);
        let held = {
            let mut held = self.0.held.lock().await;
            held.push(step);
            held.len()
        };
        if held < rhythm.steps {
            if held == 1 || self.has_no_timer() {
                self.start_timer(rhythm.interval);
            }
            return Stored::Kept;
        }
        self.put_timer(None);
        match self.flush().await {
            _ if self.0.superseded.is_cancelled() => Stored::Superseded,
            Ok(()) => Stored::Kept,
            Err(_) => Stored::Held,
        }
    }

    fn has_time(&self) -> bool {
        let over = |rhythm: Rhythm| self.0.began.elapsed() >= rhythm.longest;
        !self.0.is_ending() && !self.0.rhythm.is_some_and(over)
    }

    async fn superseded(&self) {
        self.0.superseded.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::StepId;
    use protocol::step::StepName;

    use super::*;

    fn ran(name: &str) -> Op {
        let step = StepName { id: StepId::hash(name), name: name.to_owned(), index: 0 };
        let data = RawValue::from_string("1".to_owned()).expect("JSON");
        Op { step, race: false, code: OpCode::StepRun { data, timing: None } }
    }

    fn failed(retry: Retry) -> Outcome {
        let Op { step, race, .. } = ran("b");
        Outcome::StepFailed { step, race, error: ErrorObject::new("E", "m"), retry, timing: None }
    }

    /// What is reported when the step `a` is still held.
    fn told(outcome: Outcome, attempt: u32) -> Vec<&'static str> {
        let attempt = Attempt { number: attempt, most: 2 };
        with(vec![ran("a")], outcome, attempt).iter().map(|op| op.code.name()).collect()
    }

    #[test]
    fn held_steps_come_first_and_a_failed_attempt_still_counts() {
        assert_eq!(told(Outcome::Planned(vec![ran("b")]), 0), ["StepRun", "StepRun"]);
        assert_eq!(told(failed(Retry::Again), 0), ["StepRun", "StepError"]);
        assert_eq!(told(failed(Retry::Again), 1), ["StepRun", "StepFailed"]);
        assert_eq!(told(failed(Retry::Never), 0), ["StepRun", "StepFailed"]);
        // The function itself gets there again.
        let error = ErrorObject::new("E", "m");
        assert_eq!(told(Outcome::Failed { error, retry: Retry::Again }, 0), ["StepRun"]);
    }
}
