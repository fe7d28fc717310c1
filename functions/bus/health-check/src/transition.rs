//! From what was found to what people are told: once for each change, and once a day for each kind of it.

use std::collections::BTreeSet;

use outside::{Changes, Note, Store};
use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;

use crate::COMPONENT;
use crate::day::{self, Day};
use crate::latch::{self, Kind, Latch, Transition};
use crate::probes::is_critical;

/// How long what is remembered lasts without a check.
const LATCH_LASTS: Duration = Duration::from_hours(30 * 24);
/// How long a day is kept for its summary.
const DAY_LASTS: Duration = Duration::from_hours(3 * 24);

/// What has changed, and what is to be remembered.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Reconciled {
    pub(crate) transition: Transition,
    pub(crate) latch: Latch,
}

/// Whether people are told of a change, decided before they are.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whether they are.
    pub deliver: bool,
    /// Why.
    pub reason: String,
}

/// Compares with what is remembered. None without Redis: then nobody knows what people were told.
pub(crate) fn reconcile(
    io: &Io,
    looked_at: &BTreeSet<String>,
    wrong: &BTreeSet<String>,
    run: &str,
    now: Timestamp,
) -> Option<Reconciled> {
    let known = match Store::of(io).get(latch::KEY) {
        Ok(known) => known,
        Err(refused) => {
            Note::of(COMPONENT, "system.health.latch")
                .warn()
                .with("wrong", wrong)
                .failed(io, format!("nobody is told: {refused}"));
            return None;
        }
    };
    let before = known.as_deref().and_then(Latch::parse).unwrap_or_else(|| Latch::clear(now));
    let (latch, transition) = before.after(looked_at, wrong, run, now);
    Some(Reconciled { transition, latch })
}

/// Claims today's notice of this kind, before anybody is told: whatever fails afterwards, nobody is told twice.
pub(crate) fn receipt(io: &Io, transition: &Transition, run: &str, now: Timestamp) -> Receipt {
    let kind = transition.kind;
    let receipt = if kind.is_news() {
        let date = day::date(now);
        let key = format!("health:system-health:transition-receipt:v1:{}:{date}", kind.name());
        let (deliver, reason) = match claim(io, &key, run) {
            Ok(true) => (true, format!("the first one of {date}")),
            Ok(false) => (false, format!("people were told of one on {date}")),
            Err(refused) => (false, refused.to_string()),
        };
        Receipt { deliver, reason }
    } else {
        Receipt { deliver: false, reason: "it is no news".to_owned() }
    };
    let note = Note::of(COMPONENT, "system.health.transition")
        .with("transition", transition)
        .with("deliver", receipt.deliver)
        .with("reason", &receipt.reason);
    let level = match (kind, transition.subjects.iter().any(|subject| is_critical(subject))) {
        (Kind::Steady | Kind::Resolved, _) => Level::Info,
        (Kind::Opened | Kind::Changed, true) => Level::Fatal,
        _ => Level::Warn,
    };
    Note { level, ..note }.done(io);
    receipt
}

/// Marks a key as this run's; whether it is. A step that runs twice finds its own mark.
pub(crate) fn claim(io: &Io, key: &str, run: &str) -> outside::Answer<bool> {
    let store = Store::of(io);
    if store.make(Changes::default().absent(key).set_for(key, run, DAY_LASTS))? {
        return Ok(true);
    }
    Ok(store.get(key)?.as_deref() == Some(run))
}

/// Remembers what is wrong, and adds the check to its day. Whether it could.
pub(crate) fn commit(
    io: &Io,
    reconciled: &Reconciled,
    told: bool,
    run: &str,
    now: Timestamp,
) -> bool {
    let write = || {
        let store = Store::of(io);
        let key = day::key(&day::date(now));
        let mut day = store.get(&key)?.as_deref().and_then(Day::parse).unwrap_or_default();
        day.add(&reconciled.transition, told, run, now);
        let changes = Changes::default()
            .set_for(latch::KEY, json(&reconciled.latch), LATCH_LASTS)
            .set_for(key, json(&day), DAY_LASTS);
        store.make(changes)
    };
    match write() {
        Ok(_) => true,
        Err(refused) => {
            Note::of(COMPONENT, "system.health.latch").warn().failed(io, refused);
            false
        }
    }
}

/// Names and numbers always have a JSON form.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
