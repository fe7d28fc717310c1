//! Records of what was done.

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::pds::Written;
use crate::report::{Counts, Observed};
use crate::session::Session;
use crate::state::Claim;

/// A record of something done with a session.
pub(crate) fn of(session: &Session, action: &str) -> Note {
    Note::of(COMPONENT, action)
        .with("sessionId", &session.session_id)
        .with("trigger", session.trigger)
}

/// Of a lock that is another run's, or that nobody could look at.
pub(crate) fn of_claim(io: &Io, session: &Session, claim: &Claim) {
    match claim {
        Claim::Unknown { error } => {
            of(session, "observe.dedupe.unavailable").warn().failed(io, error);
        }
        _ => of(session, "observe.deduplicated")
            .debug()
            .with("dedupeKey", &session.dedupe_key)
            .done(io),
    }
}

/// Of what was stored. The health check reads its numbers.
pub(crate) fn of_store(io: &Io, session: &Session, stored: Result<&Counts, &Error>) {
    let counts = match stored {
        Ok(counts) => counts,
        Err(error) => return of(session, "observe.store.failed").failed(io, error),
    };
    let note = of(session, "observe.store.completed")
        .with("storedCount", counts.stored_count)
        .with("mergedCount", counts.merged_count)
        .with("errors", counts.errors)
        .with("allowCount", counts.allow_count)
        .with("holdCount", counts.hold_count)
        .with("discardCount", counts.discard_count)
        .with("fallbackCount", counts.fallback_count)
        .with("categorizedCount", counts.categorized_count)
        .with("embeddingFallbackCount", counts.embedding_fallback_count)
        .with("dashboardErrors", counts.dashboard_errors);
    if counts.errors + counts.dashboard_errors == 0 {
        note.done(io);
    } else {
        note.warn().failed(io, "some observations were not taken");
    }
}

/// Of the whole run. What may be away and was, is an error of the record and none of the run.
pub(crate) fn of_finish(
    io: &Io,
    session: &Session,
    observed: &Observed,
    errors: [&Option<String>; 2],
    pds: &Written,
) {
    let note = of(session, "observe.completed")
        .with("observationCount", observed.counts.observations)
        .with("reflectableCount", observed.counts.allow_count)
        .with("byModel", observed.by_model)
        .with("redisUpdated", observed.redis_updated)
        .with("dailyLogAppended", observed.daily_log_appended)
        .with("pds", pds);
    let mut errors: Vec<_> = errors.into_iter().flatten().cloned().collect();
    if pds.errors > 0 {
        errors.push(format!("the personal data server refused {} records", pds.errors));
    }
    if errors.is_empty() {
        note.debug().done(io);
    } else {
        note.warn().failed(io, errors.join("; "));
    }
}
