//! The one task that owns the machine: it lets inputs act, stores what follows, and only then makes it happen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::{RunId, StepId};
use serde_json::value::RawValue;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::Activity;
use crate::app::SyncRequest;
use crate::caller::Caller;
use crate::entropy::Random;
use crate::error::EngineError;
use crate::event::EventId;
use crate::gateway::Outcome;
use crate::machine::{Incoming, Machine, Rerun, RerunError, SyncError};
use crate::queue::CallId;
use crate::reply::Reply;
use crate::request::Response;
use crate::requester::Requester;
use crate::run::{Checkpoint, Errand, Refusal, Status, memo_key};
use crate::store::Store;

/// How many inputs share one commit at most.
const BATCH: usize = 256;
/// How long a stopping engine waits for calls under way, so that finished steps are not run again.
const GRACE: Duration = Duration::from_secs(3);

/// What reaches the machine.
pub(crate) enum Input {
    Events(Incoming, oneshot::Sender<Vec<EventId>>),
    Sync(SyncRequest, oneshot::Sender<Result<bool, SyncError>>),
    Cancel(RunId, oneshot::Sender<Option<Status>>),
    Signal(String, Box<RawValue>, oneshot::Sender<Option<RunId>>),
    Checkpoint(RunId, Checkpoint, oneshot::Sender<Result<(), Refusal>>),
    Rerun(Rerun, oneshot::Sender<Result<RunId, RerunError>>),
    Memos(RunId, oneshot::Sender<Memos>),
    Read(Answer),
    Replied(CallId, Reply),
    Fetched(Box<Errand>, Response),
    Returned(CallId),
}

/// What the steps of a run have left behind.
pub(crate) type Memos = BTreeMap<StepId, Box<RawValue>>;

/// The engine's task has ended.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the engine has stopped; start it again")]
pub(crate) struct Stopped;

/// The way to the machine; cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle(mpsc::Sender<Input>);

impl Handle {
    /// Takes events in; their ids once they are stored.
    pub(crate) async fn receive(&self, incoming: Incoming) -> Result<Vec<EventId>, Stopped> {
        self.ask(|answer| Input::Events(incoming, answer)).await
    }

    /// Registers an app; whether anything changed.
    pub(crate) async fn sync(
        &self,
        request: SyncRequest,
    ) -> Result<Result<bool, SyncError>, Stopped> {
        self.ask(|answer| Input::Sync(request, answer)).await
    }

    /// Cancels a run; what it was until then.
    pub(crate) async fn cancel(&self, run: RunId) -> Result<Option<Status>, Stopped> {
        self.ask(|answer| Input::Cancel(run, answer)).await
    }

    /// Sends a signal; the run that waited for it, if one did.
    pub(crate) async fn signal(
        &self,
        signal: String,
        data: Box<RawValue>,
    ) -> Result<Option<RunId>, Stopped> {
        self.ask(|answer| Input::Signal(signal, data, answer)).await
    }

    /// Stores results of a run whose call goes on.
    pub(crate) async fn checkpoint(
        &self,
        run: RunId,
        checkpoint: Checkpoint,
    ) -> Result<Result<(), Refusal>, Stopped> {
        self.ask(|answer| Input::Checkpoint(run, checkpoint, answer)).await
    }

    /// Does a run once more; the new run.
    pub(crate) async fn rerun(&self, rerun: Rerun) -> Result<Result<RunId, RerunError>, Stopped> {
        self.ask(|answer| Input::Rerun(rerun, answer)).await
    }

    /// What the ended steps of a run have left behind, whether the run has ended or not; nothing of an unknown run.
    pub(crate) async fn memos(&self, run: RunId) -> Result<Memos, Stopped> {
        self.ask(|answer| Input::Memos(run, answer)).await
    }

    /// Reads from the machine.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Machine) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        self.ask(|answer| {
            Input::Read(Box::new(move |machine| {
                // Whoever asked may have gone away.
                let _ = answer.send(look(machine));
            }))
        })
        .await
    }

    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        self.0.send(input(answer)).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }
}

/// An answer that waits for the commit: nobody is told what could still be lost.
type Answer = Box<dyn FnOnce(&Machine) + Send>;

fn later<T: Send + 'static>(asked: oneshot::Sender<T>, answer: T) -> Answer {
    Box::new(move |_| {
        // Whoever asked may have gone away.
        let _ = asked.send(answer);
    })
}

/// The task.
pub(crate) struct Driver {
    machine: Machine,
    store: Arc<Store>,
    caller: Caller,
    requester: Requester,
    activity: broadcast::Sender<Activity>,
    stop: CancellationToken,
    /// Owns the calls and the requests under way.
    calls: TaskTracker,
    tick: Duration,
    inputs: mpsc::Receiver<Input>,
    replies: mpsc::Sender<Input>,
    entropy: Random,
    /// The time of the last step.
    looked: Timestamp,
}

impl Driver {
    pub(crate) fn new(
        machine: Machine,
        store: Store,
        caller: Caller,
        activity: broadcast::Sender<Activity>,
        stop: CancellationToken,
        tick: Duration,
    ) -> (Self, Handle) {
        let (sender, inputs) = mpsc::channel(1_024);
        let driver = Self {
            machine,
            store: Arc::new(store),
            caller,
            requester: Requester::default(),
            activity,
            stop,
            calls: TaskTracker::new(),
            tick,
            inputs,
            replies: sender.clone(),
            entropy: Random::new(),
            looked: Timestamp::now(),
        };
        (driver, Handle(sender))
    }

    /// Runs until told to stop, or until nothing can be stored any more.
    pub(crate) async fn run(mut self) {
        // However this ends, a panic included, the rest of the engine ends too.
        let _ending = self.stop.clone().drop_guard();
        if let Err(error) = self.go().await {
            tracing::error!("the engine stops: {error}");
        }
    }

    async fn go(&mut self) -> Result<(), EngineError> {
        let mut answers = Vec::new();
        while !self.stop.is_cancelled() {
            self.step(&mut answers, true).await?;
            let pause = self.pause();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                Some(input) = self.inputs.recv() => self.take(input, &mut answers).await?,
                () = self.caller.gateway().more_room() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.drain(answers).await
    }

    /// Takes the replies of calls under way, for a while, and makes no new ones.
    async fn drain(&mut self, mut answers: Vec<Answer>) -> Result<(), EngineError> {
        self.calls.close();
        let grace = GRACE.max(self.caller.gateway().drain());
        let deadline = tokio::time::Instant::now() + grace;
        while !self.calls.is_empty() {
            tokio::select! {
                Some(input) = self.inputs.recv() => self.take(input, &mut answers).await?,
                () = self.calls.wait() => {}
                () = tokio::time::sleep_until(deadline) => break,
            }
            self.step(&mut answers, false).await?;
        }
        // Whatever still wants to tell something is told that nobody listens.
        self.inputs.close();
        self.calls.wait().await;
        while let Ok(input) = self.inputs.try_recv() {
            self.take(input, &mut answers).await?;
        }
        self.step(&mut answers, false).await
    }

    /// How long to wait at most for the next input.
    fn pause(&self) -> Duration {
        // Seen from the last step: what has become due since then was not served by it.
        let due = self.machine.next_due(self.looked);
        let until = due.map(|due| due.duration_since(Timestamp::now()));
        let until = until.map(|due| Duration::try_from(due).unwrap_or(Duration::ZERO));
        // A millisecond more: timers round down, and waking early would mean waking twice.
        until.map_or(self.tick, |due| self.tick.min(due + Duration::from_millis(1)))
    }

    /// Lets everything that waits act, stores it, and makes it happen.
    async fn step(&mut self, answers: &mut Vec<Answer>, dispatch: bool) -> Result<(), EngineError> {
        for _ in 1..BATCH {
            let Ok(input) = self.inputs.try_recv() else { break };
            self.take(input, answers).await?;
        }
        let now = Timestamp::now();
        self.looked = now;
        let mut orders = Vec::new();
        if dispatch {
            self.machine.tick(now, &mut self.entropy);
            self.machine.offer(self.caller.gateway().room());
            orders = self.machine.dispatch(now, &mut self.entropy);
        }
        let errands = self.machine.take_errands();
        self.commit().await?;
        for activity in self.machine.take_activity() {
            // Nobody may be listening.
            let _ = self.activity.send(activity);
        }
        for answer in answers.drain(..) {
            answer(&self.machine);
        }
        if dispatch {
            for order in orders {
                let drain = self.caller.gateway().drain();
                let grace = if order.is_connect() { drain } else { GRACE };
                let call = order.call;
                let calling = self.caller.call(order);
                self.go_out(grace, async move {
                    match calling.await {
                        Outcome::Replied(reply) => Input::Replied(call, reply),
                        Outcome::Returned => Input::Returned(call),
                    }
                });
            }
            for errand in errands {
                let requester = self.requester.clone();
                self.go_out(GRACE, async move {
                    let response = requester.make(&errand.request).await;
                    Input::Fetched(Box::new(errand), response)
                });
            }
        }
        Ok(())
    }

    /// Lets something happen outside, and takes in what comes of it.
    fn go_out(&self, grace: Duration, outside: impl Future<Output = Input> + Send + 'static) {
        let (replies, stop) = (self.replies.clone(), self.stop.clone());
        self.calls.spawn(async move {
            let abandoned = async {
                stop.cancelled().await;
                tokio::time::sleep(grace).await;
            };
            tokio::select! {
                input = outside => {
                    // The engine may have ended; the call is then made again.
                    let _ = replies.send(input).await;
                }
                () = abandoned => {}
            }
        });
    }

    /// Stores what has changed.
    async fn commit(&mut self) -> Result<(), EngineError> {
        let records = self.machine.take_records();
        if !records.is_empty() {
            let store = Arc::clone(&self.store);
            let commit = tokio::task::spawn_blocking(move || store.commit(&records));
            commit.await.map_err(|error| EngineError::Write(error.to_string()))??;
        }
        Ok(())
    }

    /// Does a run once more. The results that it keeps are in the store only, so everything is stored first.
    async fn rerun(&mut self, rerun: Rerun) -> Result<Result<RunId, RerunError>, EngineError> {
        self.commit().await?;
        let kept = match self.machine.kept_for(&rerun) {
            Ok(kept) => kept,
            Err(error) => return Ok(Err(error)),
        };
        let memos = self.stored(kept).await?;
        Ok(self.machine.rerun(rerun, &memos, Timestamp::now(), &mut self.entropy))
    }

    /// The memos of a run's ended steps. Those of a run that has ended are in the store only, so everything is stored
    /// first.
    async fn memos(&mut self, run: RunId) -> Result<Memos, EngineError> {
        self.commit().await?;
        let steps = self.machine.run(run).map(|run| run.stack.clone()).unwrap_or_default();
        self.stored(steps.into_iter().map(|step| (step, memo_key(run, step))).collect()).await
    }

    /// What is stored under these keys.
    async fn stored(&self, keys: Vec<(StepId, String)>) -> Result<Memos, EngineError> {
        let store = Arc::clone(&self.store);
        let load = tokio::task::spawn_blocking(move || {
            let mut memos = BTreeMap::new();
            for (step, key) in keys {
                memos.extend(store.memo(&key)?.map(|memo| (step, memo)));
            }
            Ok::<_, EngineError>(memos)
        });
        load.await.map_err(|error| EngineError::Write(error.to_string()))?
    }

    async fn take(&mut self, input: Input, answers: &mut Vec<Answer>) -> Result<(), EngineError> {
        let (now, entropy) = (Timestamp::now(), &mut self.entropy);
        match input {
            Input::Events(incoming, answer) => {
                let ids = self.machine.receive(&incoming, now, entropy);
                answers.push(later(answer, ids));
            }
            Input::Sync(request, answer) => {
                let outcome = self.machine.sync(request, now);
                answers.push(later(answer, outcome));
            }
            Input::Cancel(run, answer) => {
                let status = self.machine.cancel(run, now, entropy);
                answers.push(later(answer, status));
            }
            Input::Signal(signal, data, answer) => {
                let run = self.machine.signal(&signal, &data, now, entropy);
                answers.push(later(answer, run));
            }
            Input::Checkpoint(run, checkpoint, answer) => {
                let outcome = self.machine.checkpoint(run, &checkpoint, now, entropy);
                answers.push(later(answer, outcome));
            }
            Input::Rerun(rerun, answer) => {
                let outcome = self.rerun(rerun).await?;
                answers.push(later(answer, outcome));
            }
            Input::Memos(run, answer) => {
                let memos = self.memos(run).await?;
                answers.push(later(answer, memos));
            }
            Input::Replied(call, reply) => {
                self.machine.replied(call, reply, now, entropy);
                let gateway = Arc::clone(self.caller.gateway());
                answers.push(Box::new(move |_| gateway.stored(call)));
            }
            Input::Fetched(errand, response) => {
                self.machine.fetched(*errand, response, now, entropy);
            }
            Input::Returned(call) => self.machine.returned(call),
            Input::Read(look) => answers.push(look),
        }
        Ok(())
    }
}
