//! What the host keeps beside one instance, for one call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::op::Timing;
use protocol::outcome::Outcome;
use protocol::replay::Replay;
use protocol::step::StepName;
use tracing::Span;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::backstage::Backstage;
use crate::capability::{Caller, Denials, Guards, Parts, Records};
use crate::conversation::Group;
use crate::deadline::Deadline;
use crate::fault::{Fault, Limit};
use crate::http::{Destination, Outgoing};
use crate::limits::{Growth, Limits};
use crate::logging::{Log, Stream};
use crate::output::Output;
use crate::phase::{Fixed, Phase};
use crate::placement::Capability;
use crate::spans;

/// How many bytes of names and values the headers of one request may have: of a size that servers take, and small beside
/// the number of handles that a call may hold.
pub(crate) const LARGEST_FIELDS: usize = 16 << 10;

/// What the host keeps beside one instance, for one call.
///
/// Opaque but for what providers of capabilities need: whose call it is, how long it has left, and a place for what they
/// keep.
pub struct CallState {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    pub(crate) outgoing: Outgoing,
    table: ResourceTable,
    pub(crate) growth: Growth,
    pub(crate) phase: Phase,
    /// None while a component describes itself: then no step exists.
    pub(crate) replay: Option<Replay>,
    /// How the invocation ended, once it did so by a raised [`End`].
    pub(crate) ending: Option<Outcome>,
    /// None where there is no replay either.
    pub(crate) backstage: Option<Arc<dyn Backstage>>,
    /// None while a component describes itself.
    caller: Option<Caller>,
    parts: Parts,
    body_parts: Parts,
    /// The span of the body that runs. Closed after what providers have in it.
    body_span: Span,
    pub(crate) records: Records,
    /// Siblings of a guest that blocks: their ordinals, and what is known of their ends.
    pub(crate) group: Group,
    pub(crate) output: Output,
    /// What must not leave the call.
    pub(crate) guards: Guards,
    pub(crate) log: Log,
    pub(crate) limits: Arc<Limits>,
    pub(crate) deadline: Deadline,
    body_began: Option<(Timestamp, Instant)>,
}

/// Raised to end an instance on purpose; [`CallState::ending`] says how.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the invocation has ended")]
pub(crate) struct End;

impl CallState {
    /// For a call: `replay` decides what the function does.
    pub(crate) fn for_call(
        limits: &Arc<Limits>,
        allowed: &Arc<[Destination]>,
        guards: Guards,
        caller: Caller,
        replay: Replay,
        backstage: Arc<dyn Backstage>,
        log: Log,
    ) -> Self {
        let fixed = Fixed::of_run(caller.run);
        Self {
            caller: Some(caller),
            replay: Some(replay),
            backstage: Some(backstage),
            ..Self::new(limits, Arc::clone(allowed), guards, fixed, log)
        }
    }

    /// For `describe`: no run, no step, nothing allowed.
    pub(crate) fn for_describe(limits: &Arc<Limits>, log: Log) -> Self {
        Self::new(limits, Arc::new([]), Guards::default(), Fixed::of_nothing(), log)
    }

    fn new(
        limits: &Arc<Limits>,
        allowed: Arc<[Destination]>,
        guards: Guards,
        fixed: Fixed,
        log: Log,
    ) -> Self {
        let phase = Phase::default();
        let output = Output::new(limits.output, guards.clone());
        let wasi = WasiCtx::builder()
            .stdout(output.sink(Stream::Output, &log))
            .stderr(output.sink(Stream::Error, &log))
            .wall_clock(fixed.wall_clock(&phase))
            .monotonic_clock(fixed.monotonic_clock(&phase))
            .secure_random(fixed.random(&phase, 0))
            .insecure_random(fixed.random(&phase, 1))
            .insecure_random_seed(fixed.hash_seed())
            .max_random_size(1 << 20)
            .build();
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(LARGEST_FIELDS);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            wasi,
            http,
            outgoing: Outgoing::new(allowed),
            table,
            growth: Growth::new(limits),
            phase,
            replay: None,
            ending: None,
            backstage: None,
            caller: None,
            parts: Parts::default(),
            body_parts: Parts::default(),
            body_span: Span::none(),
            records: Records::default(),
            group: Group::default(),
            output,
            guards,
            log,
            deadline: Deadline::within(limits.replay),
            limits: Arc::clone(limits),
            body_began: None,
        }
    }

    /// A step body begins: the world becomes real, and the step's own time runs.
    pub(crate) fn enter_body(&mut self) {
        self.phase.set(true);
        self.deadline.renew(self.limits.step);
        self.body_began = Some((Timestamp::now(), Instant::now()));
        if let Some(step) = self.step() {
            self.body_span = tracing::info_span!("step", called = &*step.name);
            self.outgoing.span = spans::context_of(&self.body_span);
            self.log.enter(step, self.body_span.clone());
        }
    }

    /// It has ended: back to the run's fixed time.
    pub(crate) fn leave_body(&mut self, fine: bool) -> Timing {
        let timing = self.body_timing();
        spans::ended(&self.body_span, fine);
        self.log.leave();
        self.outgoing.body.end();
        self.outgoing.span = None;
        self.body_parts = Parts::default();
        self.outgoing.denials = Denials::default();
        self.body_span = Span::none();
        self.phase.set(false);
        self.deadline.renew(self.limits.replay);
        self.body_began = None;
        timing.unwrap_or(Timing { start: Timestamp::UNIX_EPOCH, took: Duration::ZERO })
    }

    /// When the running body began, and how long it has run.
    pub(crate) fn body_timing(&self) -> Option<Timing> {
        self.body_began.map(|(start, began)| Timing { start, took: began.elapsed() })
    }

    /// The fault for having run out of time here and now.
    pub(crate) fn time_fault(&self, place: Option<String>) -> Fault {
        Fault::Limit(if self.phase.in_step() {
            Limit::Step { limit: self.limits.step, place }
        } else {
            Limit::Replay { limit: self.limits.replay, place }
        })
    }
}

/// For providers of capabilities.
impl CallState {
    /// Whose call it is. Raises where it is nobody's: a component describes itself without any capability.
    pub fn caller(&self) -> wasmtime::Result<&Caller> {
        self.caller.as_ref().ok_or_else(|| {
            let capability = "a capability while it was describing itself,";
            Fault::OutsideStep { capability, place: None }.into()
        })
    }

    /// The step whose body runs.
    pub fn step(&self) -> Option<StepName> {
        self.replay.as_ref().and_then(Replay::running_step)
    }

    /// The event that the run began with, as JSON; none while a component describes itself.
    pub fn event(&self) -> Option<&str> {
        self.replay.as_ref().map(Replay::event)
    }

    /// How long the body that runs may go on. When this is over the call ends, whatever a provider waits for.
    pub fn time_left(&self) -> Duration {
        self.deadline.left()
    }

    /// What a provider keeps for this call, one value of each type; made now if it is not there yet.
    pub fn part<T: Send + 'static>(&mut self, make: impl FnOnce() -> T) -> &mut T {
        self.parts.get_or_insert_with(make)
    }

    /// The same for what a provider keeps until the body that runs has ended; outside of one, for the call.
    pub fn body_part<T: Send + 'static>(&mut self, make: impl FnOnce() -> T) -> &mut T {
        let parts = if self.phase.in_step() { &mut self.body_parts } else { &mut self.parts };
        parts.get_or_insert_with(make)
    }

    /// The span of the body that runs, to be entered by whatever is told of it; disabled outside of one.
    pub fn span(&self) -> &Span {
        &self.body_span
    }

    /// The text without what nobody may read, for whatever leaves the call.
    pub fn redacted(&self, text: String) -> String {
        self.guards.redacted(text)
    }

    /// Records something once: now in a body; outside of one only if no earlier call of the run has got as far.
    pub fn once(&mut self, record: impl FnOnce() + Send + 'static) {
        self.records.add(self.phase.in_step(), record);
    }

    /// What the guest holds by handles.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Records that a call was not allowed, for the operator: which component wanted what. `what` names the thing without
    /// anything that nobody should read in a log, such as a query or a value.
    pub fn denied(&self, capability: Capability, what: &str) {
        let Some(caller) = &self.caller else { return };
        caller.denied(capability, self.step().as_ref(), what);
    }

    /// Counts a call of which nothing came although it is answered, for the operator: of what is optional by nature.
    pub fn lost(&self, capability: Capability) {
        if let Some(caller) = &self.caller {
            caller.usage.count(capability).lost();
        }
    }

    /// Counts what a line of the grants has allowed: the number of the line among those of its capability, and the numbers
    /// of the parts of it that were needed. See [`Granted`](crate::capability::Granted).
    pub fn allowed(&self, capability: Capability, line: usize, parts: &[usize]) {
        if let Some(caller) = &self.caller {
            caller.allowed(capability, line, parts);
        }
    }

    pub(crate) fn count(&self, capability: Capability) {
        if let Some(caller) = &self.caller {
            caller.usage.count(capability).called();
        }
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outgoing, table: &mut self.table, ctx: &mut self.http }
    }
}
