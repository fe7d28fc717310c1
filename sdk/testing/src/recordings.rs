//! Recorded runs against the functions of this build: a test of compatibility with what is under way elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use engine::offline::RunStatus;
use protocol::id::RunId;
use protocol::recording::{Comparison, RecordedStatus, RecordedStep, Told};
use system_bus_sdk::Function;

pub use protocol::recording::{Recording, Replayed};

use crate::kit::{Kit, app};
use crate::path::shown;
use crate::served::{Native, Served};

/// Replays a recorded run step by step against a function: where they part, if they do. No body runs.
///
/// What is looked at is what a worker proves before it lets newer code go on with a run: that the code, run from its top
/// with what the run has stored, asks for every stored step, in the order in which they ended, each as what it is stored
/// as. The end is compared too, where the run had ended.
///
/// # Panics
///
/// When the recording is of another function, or broken.
///
/// ```
/// use system_bus_sdk::prelude::*;
/// use system_bus_testing::{Kit, replay};
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event("shop/order.paid")]
/// pub struct OrderPaid { cents: u32 }
///
/// #[function(id = "fulfil-order", on(OrderPaid))]
/// async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<u32> {
///     ctx.step("charge", async |_io| Ok(order.cents)).await
/// }
///
/// mod next {
///     use super::OrderPaid;
///     use system_bus_sdk::prelude::*;
///
///     /// The same, after somebody renamed a step.
///     #[function(id = "fulfil-order", on(OrderPaid))]
///     pub async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<u32> {
///         ctx.step("charge-card", async |_io| Ok(order.cents)).await
///     }
/// }
///
/// # fn main() {
/// // A file that `system-bus run pull` wrote does as well: `Recording::parse(include_str!("paid.json"))`.
/// let mut kit = Kit::new();
/// let run = kit.start::<fulfil>(OrderPaid { cents: 700 });
/// let recording = kit.record(run);
///
/// assert!(replay::<fulfil>(&recording).is_same());
/// let parting = replay::<next::fulfil>(&recording).parting.unwrap();
/// assert_eq!((parting.position, parting.step.as_deref()), (1, Some("charge")));
/// assert_eq!(parting.code.to_string(), "asks for `charge-card` (run)");
/// # }
/// ```
pub fn replay<F: Function + 'static>(recording: &Recording) -> Replayed {
    let id = F::DECLARATION.id;
    assert!(
        recording.function.as_str() == id,
        "the recording is of function `{}`, and is to be replayed against `{id}`",
        recording.function
    );
    let (kit, function) = (Kit::new(), Native::<F>::new());
    let mut comparison = Comparison::new(recording);
    loop {
        let next = comparison.next();
        let next = next.unwrap_or_else(|error| panic!("the recording is broken: {error}"));
        let Some((call, rigour)) = next else { return comparison.end() };
        let stage = Rc::clone(&kit.stage);
        let called = catch_unwind(AssertUnwindSafe(|| function.call(&stage, call, rigour)));
        comparison.told(match called {
            Ok(Ok(called)) => Told::Outcome(called.outcome),
            Ok(Err(_)) => unreachable!("nobody dies in a replay"),
            Err(panic) => Told::Broke(crate::crash::message(&*panic)),
        });
    }
}

/// That a function goes all of a recorded run's way; see [`replay`].
///
/// # Panics
///
/// When they part; the message says where. And where `replay` does.
#[track_caller]
pub fn assert_follows<F: Function + 'static>(recording: &Recording) {
    if let Some(parting) = replay::<F>(recording).parting {
        panic!("run {} of `{}` and this code: {parting}", recording.run, recording.function);
    }
}

impl Kit {
    /// A run as it stands, in the form in which `system-bus run pull` writes runs of a server.
    ///
    /// # Panics
    ///
    /// When there is no such run.
    #[track_caller]
    pub fn record(&self, run: RunId) -> Recording {
        let engine = self.stage.engine.borrow();
        let state =
            engine.run(run).unwrap_or_else(|| panic!("there is no run {run}, or not any more"));
        let status = match state.status {
            RunStatus::Scheduled => RecordedStatus::Queued,
            RunStatus::Running => RecordedStatus::Running,
            RunStatus::Completed => RecordedStatus::Completed,
            RunStatus::Failed => RecordedStatus::Failed,
            RunStatus::Canceled => RecordedStatus::Cancelled,
            RunStatus::Skipped => RecordedStatus::Skipped,
        };
        let app = app();
        let function = app.function_of(&state.slug).unwrap_or(&state.slug);
        let function = function.parse().expect("the engine was told of it under its id");
        let journal = self.stage.journal.borrow();
        let steps = state.steps.into_iter().map(|step| RecordedStep {
            id: step.id,
            name: journal.step(run, step.id).map(|known| shown(&known.step)),
            ended_at: Some(step.at),
            memo: step.memo,
        });
        let mut recording = Recording::new(run, app, function, status);
        recording.queued_at = Some(state.queued_at);
        recording.ended_at = state.ended_at;
        let events = state.events.iter().filter_map(|id| Some(engine.event(*id)?.to_owned()));
        recording.events = events.collect();
        recording.steps = steps.collect();
        recording.output = state.output;
        recording
    }
}
