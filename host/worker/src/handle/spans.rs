//! What a collector of traces is told of calls. One call makes these spans, each within the one before:
//!
//! | span | is | attributes beside those in its name's row |
//! | --- | --- | --- |
//! | `call` | from the call's arrival to its reply, beneath the server's own span | `run`, `function`, `attempt`, `generation`, `server_gap_ms`, `outcome` |
//! | `invocation` | one version of the function at work | `digest`, `guest_ms` |
//! | `step` | the body of a step, real time included | `called`, `outcome` |
//!
//! So the host's own time is what of a `call` is in no `invocation`, and the server's is between one call and the next: as
//! `server_gap_ms` on the second, since nobody sees a trace's gaps at a glance.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opentelemetry::trace::Status;
use opentelemetry::{Context, global};
use protocol::id::RunId;
use protocol::trace::TraceContext;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// So many runs are remembered, those whose calls ended last.
const RUNS: usize = 4096;

/// When calls of runs ended here.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    ends: BTreeMap<RunId, Instant>,
    /// In the order in which they were first noted.
    order: VecDeque<RunId>,
}

impl Ends {
    /// How long the server took to call again: since the last call of this run that was answered here, or since the run
    /// began, as its id tells. None where that is not to be known.
    fn gap(&self, run: RunId, now: Timestamp) -> Option<Duration> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(end) = table.ends.get(&run) {
            return Some(end.elapsed());
        }
        let now = u64::try_from(now.as_millisecond()).ok()?;
        // The clocks of two machines may differ.
        Some(Duration::from_millis(now.saturating_sub(run.unix_millis())))
    }

    /// Notes that a call of this run has its answer.
    fn note(&self, run: RunId) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.ends.insert(run, Instant::now()).is_none() {
            table.order.push_back(run);
        }
        if table.order.len() > RUNS
            && let Some(oldest) = table.order.pop_front()
        {
            table.ends.remove(&oldest);
        }
    }
}

/// Puts the span of a call beneath the server's, and says how long the server took. Answers whether anybody collects it.
pub(super) fn begin(span: &Span, trace: Option<&TraceContext>, ends: &Ends, run: RunId) -> bool {
    let parent = trace.map_or_else(Context::new, remote);
    if span.set_parent(parent).is_err() {
        return false;
    }
    if let Some(gap) = ends.gap(run, Timestamp::now()) {
        span.set_attribute("server_gap_ms", millis(gap));
    }
    true
}

/// Says what became of a call that is collected.
pub(super) fn end(span: &Span, outcome: &'static str, fine: bool, ends: &Ends, run: RunId) {
    ends.note(run);
    span.set_attribute("outcome", outcome);
    if !fine {
        span.set_status(Status::error(outcome));
    }
}

/// Says how long the guest was at work in an invocation.
pub(super) fn worked(span: &Span, busy: Duration) {
    span.set_attribute("guest_ms", millis(busy));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The server's span; none where nobody collects.
fn remote(trace: &TraceContext) -> Context {
    let headers: HashMap<_, _> =
        trace.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    global::get_text_map_propagator(|propagator| propagator.extract(&headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_gap_is_from_the_runs_own_beginning_and_later_ones_from_the_last_answer() {
        let ends = Ends::default();
        let run: RunId = "01M81GAVHEKCW149Q3GFJ6KDSP".parse().expect("an id");
        let began = i64::try_from(run.unix_millis()).expect("a time");
        let now = Timestamp::from_millisecond(began + 250).expect("a time");
        assert_eq!(ends.gap(run, now), Some(Duration::from_millis(250)));
        let before = Timestamp::from_millisecond(began - 5).expect("a time");
        assert_eq!(ends.gap(run, before), Some(Duration::ZERO));
        ends.note(run);
        assert!(ends.gap(run, now).expect("a gap") < Duration::from_millis(250));
    }

    #[test]
    fn so_many_runs_are_remembered_and_no_more() {
        let ends = Ends::default();
        for number in 0..=RUNS {
            let run = format!("01M81GAVHEKCW149Q3G{number:07}").parse().expect("an id");
            ends.note(run);
            ends.note(run);
        }
        let table = ends.0.lock().expect("a lock");
        assert_eq!((table.ends.len(), table.order.len()), (RUNS, RUNS));
    }
}
