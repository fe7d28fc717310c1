//! The functions that guests import.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use runtime::CallState;
use runtime::capability::Offer;
use runtime::placement::Capability;

use super::limiter::Limiter;
use super::record::{Origin, Record, Source, shortened};
use super::span::Spans;
use crate::bindings::system_bus::durable::telemetry::{Event, Level};

/// How many records one call may make. Further ones are dropped, and that is said once.
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

/// What one call has made.
#[derive(Debug, Default)]
struct Made(u32);

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
            let error = error.map(shortened);
            state.part(Spans::default).end(number, error.as_deref());
            Ok(())
        })
    }
}

fn emit(shared: &Arc<Shared>, state: &mut CallState, event: Event) -> wasmtime::Result<()> {
    let made = state.part(Made::default);
    made.0 = made.0.saturating_add(1);
    let made = made.0;
    let caller = state.caller()?;
    if made > MOST {
        if made == MOST + 1 {
            tracing::warn!(component = &*caller.component, run = %caller.run, "the call has made too many records; the rest is dropped");
        }
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
    let digest = caller.digest.to_string();
    let at = Timestamp::now().as_millisecond();
    let record = Record::of(event, &source, &shared.origin, random_id()?, at);
    let shared = Arc::clone(shared);
    let within = state.part(Spans::default).innermost().cloned();
    // Counted when it is recorded: what a replay drops has used nothing up.
    state.once(move || {
        let only_debug = matches!(level, Level::Debug);
        let mut limiter = shared.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        if !only_debug || limiter.admits(&record.key(), Instant::now()) {
            drop(limiter);
            let _entered = within.as_ref().map(tracing::Span::enter);
            write(level, &record, &digest);
        }
    });
    Ok(())
}

/// Hands a record to the worker's tracing.
fn write(level: Level, record: &Record, digest: &str) {
    let json = serde_json::to_string(record).unwrap_or_default();
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                target: "telemetry",
                component = record.component,
                action = record.action,
                success = record.success,
                error = record.error,
                duration_ms = record.duration_ms,
                digest,
                record = json,
                "{}", record.action
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

/// Opens a span beneath the innermost one of this call, or beneath the span of the call itself.
fn begin(state: &mut CallState, name: String, attributes: String) -> wasmtime::Result<u64> {
    let caller = state.caller()?;
    let (component, run) = (Arc::clone(&caller.component), caller.run.to_string());
    let step = state.step().map(|step| step.name.clone());
    let (name, attributes) = (shortened(name), shortened(attributes));
    Ok(state.part(Spans::default).begin(|outer| {
        let fields = (&*component, step.as_deref());
        macro_rules! span {
            ($($parent:tt)*) => {
                tracing::info_span!(
                    target: "telemetry", $($parent)* "guest",
                    called = name, attributes, component = fields.0, run, step = fields.1,
                    error = tracing::field::Empty
                )
            };
        }
        if let Some(outer) = outer { span!(parent: outer,) } else { span!() }
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
