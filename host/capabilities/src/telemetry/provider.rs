//! The functions that guests import.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use protocol::step::StepName;
use runtime::CallState;
use runtime::capability::{Caller, Offer};
use runtime::placement::Capability;
use tracing::Span;

use super::limiter::Limiter;
use super::record::{Origin, Record, Source, clean, shortened};
use super::span::{NONE, Spans};
use crate::bindings::system_bus::durable::telemetry::{Event, Level};

/// How many records one call may make. Further ones are dropped, and how many is said at its end.
const MOST: u32 = 1000;

/// Records and spans, for the runtime.
#[derive(Debug)]
pub struct Provider {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Origin,
    limiter: Mutex<Limiter>,
}

/// What one call has made. Tells at its end how much of it was dropped.
#[derive(Debug, Default)]
struct Made {
    records: u32,
    whose: Option<Caller>,
}

impl Drop for Made {
    fn drop(&mut self) {
        let Some(caller) = self.whose.as_ref().filter(|_| self.records > MOST) else { return };
        tracing::warn!(
            component = &*caller.component,
            function = %caller.function,
            run = %caller.run,
            dropped = self.records - MOST,
            "the call has made more records than a call may; those after the first {MOST} were dropped"
        );
    }
}

impl Provider {
    /// Records that come from here.
    pub fn new(origin: Origin) -> Self {
        Self { shared: Arc::new(Shared { origin, limiter: Mutex::default() }) }
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Telemetry
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let mut interface = offer.interface("system-bus:durable/telemetry")?;
        let shared = Arc::clone(&self.shared);
        interface.anywhere("emit", move |state, (event,): (Event,)| emit(&shared, state, event))?;
        interface.anywhere("begin-span", |state, (name, attributes): (String, String)| {
            begin(state, name, attributes).map(|number| (number,))
        })?;
        interface.anywhere("end-span", |state, (number, error): (u64, Option<String>)| {
            let error = error.map(|error| shortened(state.redacted(error)));
            if state.step().is_some() {
                state.body_part(Spans::default).end(number, error.as_deref());
            }
            Ok(())
        })
    }
}

fn emit(shared: &Arc<Shared>, state: &mut CallState, event: Event) -> wasmtime::Result<()> {
    let caller = state.caller()?.clone();
    let made = state.part(Made::default);
    made.records = made.records.saturating_add(1);
    if made.records > MOST {
        made.whose.get_or_insert(caller);
        return Ok(());
    }
    let step = state.step();
    let (function, run) = (caller.function.to_string(), caller.run.to_string());
    let source = Source {
        component: &caller.component,
        function: &function,
        run: &run,
        step: step.as_ref().map(|step| &*step.name),
    };
    let level = event.level;
    // Before anything is cut off: half a secret is not recognized.
    let event = clean(event, &|text| state.redacted(text));
    let at = Timestamp::now().as_millisecond();
    let record = Record::of(event, &source, &shared.origin, random_id()?, at);
    let shared = Arc::clone(shared);
    let within = innermost(state);
    // Counted when it is recorded: what a replay drops has used nothing up.
    state.once(move || {
        let only_debug = matches!(level, Level::Debug);
        let mut limiter = shared.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        if !only_debug || limiter.admits(&record.key(), Instant::now()) {
            drop(limiter);
            let _within = within.enter();
            write(level, &record, &caller, step.as_ref());
        }
    });
    Ok(())
}

/// The span that what happens now is a part of: the guest's own, or that of the step; a disabled one outside of steps.
fn innermost(state: &mut CallState) -> Span {
    if state.step().is_none() {
        return Span::none();
    }
    let own = state.body_part(Spans::default).innermost().cloned();
    own.unwrap_or_else(|| state.span().clone())
}

/// Hands a record to the worker's tracing.
fn write(level: Level, record: &Record, caller: &Caller, step: Option<&StepName>) {
    let json = serde_json::to_string(record).unwrap_or_default();
    let step = step.map(|step| &*step.name);
    let outside = step.is_none().then_some(true);
    let digest = caller.digest.short();
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                target: "telemetry",
                component = record.component,
                action = record.action,
                success = record.success,
                error = record.error,
                duration_ms = record.duration_ms,
                function = %caller.function,
                run = %caller.run,
                attempt = caller.attempt,
                step,
                outside,
                digest,
                record = json,
                "{}", runtime::legible(&record.action)
            )
        };
    }
    match level {
        Level::Debug => event!(debug),
        Level::Info => event!(info),
        Level::Warn => event!(warn),
        Level::Error | Level::Fatal => event!(error),
    }
}

/// Opens a span beneath the innermost one of the step. Outside of steps there is none: a replay would open it again.
fn begin(state: &mut CallState, name: String, attributes: String) -> wasmtime::Result<u64> {
    let caller = state.caller()?;
    let (component, run) = (Arc::clone(&caller.component), caller.run.to_string());
    let Some(step) = state.step() else { return Ok(NONE) };
    let (name, attributes) = (state.redacted(name), state.redacted(attributes));
    let (name, attributes) = (shortened(name), shortened(attributes));
    let outer = innermost(state);
    Ok(state.body_part(Spans::default).begin(|| {
        let _within = outer.enter();
        tracing::info_span!(
            target: "telemetry", "guest",
            called = name, attributes, component = &*component, run, step = &*step.name,
            error = tracing::field::Empty
        )
    }))
}

/// A random UUID.
fn random_id() -> wasmtime::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| wasmtime::format_err!("the system has no randomness: {error}"))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        // Writing to memory cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_the_random_kind() {
        let (one, other) = (random_id().expect("an id"), random_id().expect("an id"));
        assert_ne!(one, other);
        assert_eq!((one.len(), &one[14..15], one.matches('-').count()), (36, "4", 4));
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
