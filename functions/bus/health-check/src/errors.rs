//! The share of records that tell of errors.

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::settings::{ErrorRate, Settings};
use crate::typesense::{Signal, State, Typesense};

/// What people call it.
pub(crate) const NAME: &str = "OTEL Error Rate";

/// Counts records and errors. A search that fails says nothing, and nobody is told of it.
pub(crate) async fn check(io: &Io, now: Timestamp) -> Signal {
    let settings = Settings::of(|key| io.config(key));
    if !settings.signals {
        return Signal::disabled(NAME);
    }
    match count(io, &settings, now).await {
        Ok((total, errors)) => judge(&settings.errors, total, errors),
        Err(error) => Signal::of(NAME, State::Unavailable, error.to_string()),
    }
}

async fn count(io: &Io, settings: &Settings, now: Timestamp) -> Result<(u64, u64)> {
    let since = since(now, settings.errors.window);
    let all = format!("timestamp:>={since} && component:!={COMPONENT}");
    let typesense = Typesense { io, settings };
    let total = typesense.count(&all).await?;
    let errors = typesense.count(&format!("{all} && level:=[error,fatal]")).await?;
    Ok((total, errors))
}

/// When a window began, in milliseconds since 1970.
pub(crate) fn since(now: Timestamp, window: Duration) -> i64 {
    now.as_millisecond().saturating_sub(i64::try_from(window.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn judge(limits: &ErrorRate, total: u64, errors: u64) -> Signal {
    let rate = ratio(errors, total);
    let state = if total >= limits.min_events && rate >= limits.threshold {
        State::Escalated
    } else {
        State::Normal
    };
    let minutes = limits.window.as_secs() / 60;
    let detail = format!("{errors} of {total} records in {minutes} minutes are errors");
    let figures = json!({
        "total": total, "errors": errors, "rate": rate, "threshold": limits.threshold,
        "minEvents": limits.min_events, "windowMinutes": minutes,
    });
    Signal { figures, ..Signal::of(NAME, state, detail) }
}

/// A part of a whole; 0 where there is no whole.
#[expect(clippy::cast_precision_loss, reason = "a share of so many is as good as the exact one")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
