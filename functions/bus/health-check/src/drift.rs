//! What becomes of observations: whether they are let in, held or thrown away as usual.

use outside::{Note, Store};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::errors::{ratio, since};
use crate::gate::{self, Gate};
use crate::settings::{Drift, Settings};
use crate::typesense::{RECORDS, Signal, State, Typesense};

/// What people call it.
pub(crate) const NAME: &str = "Memory Write Gate";
/// How many records are read at once.
const PAGE: usize = 100;
/// How many pages are read: what comes after them changes little.
const PAGES: u32 = 50;
/// How long a drift is not recorded again.
const PAUSE: Duration = Duration::from_hours(6);
const LAST_RECORDED: &str = "memory:health:write_gate_drift:last_notified";

/// What became of observations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    pub(crate) events: u64,
    pub(crate) allow: u64,
    pub(crate) hold: u64,
    pub(crate) discard: u64,
    pub(crate) fallback: u64,
}

/// Sums verdicts up. A search that fails says nothing, and nobody is told of it.
pub(crate) async fn check(io: &Io, now: Timestamp) -> Signal {
    let settings = Settings::of(|key| io.config(key));
    if !settings.signals {
        return Signal::disabled(NAME);
    }
    match sum(io, &settings, now).await {
        Ok(verdicts) => judge(&settings.drift, &verdicts),
        Err(error) => Signal::of(NAME, State::Unavailable, error.to_string()),
    }
}

async fn sum(io: &Io, settings: &Settings, now: Timestamp) -> Result<Verdicts> {
    let since = since(now, settings.drift.window);
    let filter = format!("action:=observe.store.completed && timestamp:>={since}");
    let (typesense, mut verdicts) = (Typesense { io, settings }, Verdicts::default());
    for page in 1..=PAGES {
        let (page, size) = (page.to_string(), PAGE.to_string());
        let query = [
            ("q", "*"),
            ("query_by", "action"),
            ("filter_by", &*filter),
            ("sort_by", "timestamp:asc"),
            ("per_page", &*size),
            ("page", &*page),
        ];
        let found = typesense.search(RECORDS, &query).await?;
        let hits = found["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
        for hit in hits {
            verdicts.add(hit["document"]["metadata_json"].as_str().unwrap_or_default());
        }
        if hits.len() < PAGE {
            break;
        }
    }
    Ok(verdicts)
}

impl Verdicts {
    /// Adds one record. Counts are members of their own, or together in one.
    pub(crate) fn add(&mut self, metadata: &str) {
        let metadata: Value = serde_json::from_str(metadata).unwrap_or_default();
        let count = |name: &str| {
            let long = format!("{name}Count");
            let places = [&metadata, &metadata["writeGate"], &metadata["counts"]];
            let found = places
                .iter()
                .find_map(|place| place[&long].as_u64().or_else(|| place[name].as_u64()));
            found.unwrap_or(0)
        };
        self.events += 1;
        self.allow += count("allow");
        self.hold += count("hold");
        self.discard += count("discard");
        self.fallback += count("fallback");
    }
}

pub(crate) fn judge(limits: &Drift, seen: &Verdicts) -> Signal {
    let verdicts = seen.allow + seen.hold + seen.discard;
    let shares = [
        ("fallback", ratio(seen.fallback, verdicts), limits.fallback_rate),
        ("hold", ratio(seen.hold, verdicts), limits.hold_ratio),
        ("discard", ratio(seen.discard, verdicts), limits.discard_ratio),
    ];
    let enough = seen.events >= limits.min_events && verdicts >= limits.min_verdicts;
    let beyond = shares.iter().filter(|(_, share, limit)| enough && share >= limit);
    let beyond: Vec<_> = beyond.map(|(name, ..)| *name).collect();
    let figures = json!({
        "events": seen.events, "verdicts": verdicts, "allow": seen.allow, "hold": seen.hold,
        "discard": seen.discard, "fallback": seen.fallback, "fallbackRate": shares[0].1,
        "holdRatio": shares[1].1, "discardRatio": shares[2].1,
    });
    let (state, detail) = if beyond.is_empty() {
        (State::Normal, format!("{verdicts} verdicts of {} records", seen.events))
    } else {
        let beyond = beyond.join(", ");
        (State::Escalated, format!("of {verdicts} verdicts too many are: {beyond}"))
    };
    Signal { figures, ..Signal::of(NAME, state, detail) }
}

/// Records a drift, once in six hours.
pub(crate) fn record(io: &Io, signal: &Signal, run: &str, now: Timestamp) -> Gate {
    let gate = gate::pass(Store::of(io), LAST_RECORDED, PAUSE, run, now);
    if gate.open {
        Note::of(COMPONENT, "system.health.memory-write-gate-drift")
            .warn()
            .with("figures", &signal.figures)
            .failed(io, &signal.detail);
    }
    gate
}
