//! What happened on one day, for the summary of it. Days are those of the Pacific coast.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::Timestamp;

use crate::latch::{Kind, Transition};

const SCHEMA: &str = "system-health-day.v1";
/// How many changes of a day are kept.
const KEPT: usize = 50;

/// What happened on one day.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Day {
    pub(crate) schema: String,
    /// How many checks there were.
    pub(crate) checks: u32,
    /// In how many of them something was wrong.
    pub(crate) degraded: u32,
    /// In how many of them each thing was wrong.
    pub(crate) wrong: BTreeMap<String, u32>,
    /// What changed, and whether people were told at once.
    pub(crate) changes: Vec<Change>,
    /// How many changes there were beyond those.
    pub(crate) more: u32,
    /// The last check that is in it.
    pub(crate) last_run: String,
}

/// A change of a day.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    pub(crate) at: Timestamp,
    pub(crate) subjects: BTreeSet<String>,
    pub(crate) told: bool,
}

impl Day {
    /// Adds a check, unless it is in there.
    pub(crate) fn add(&mut self, transition: &Transition, told: bool, run: &str, now: Timestamp) {
        if self.last_run == run {
            return;
        }
        SCHEMA.clone_into(&mut self.schema);
        run.clone_into(&mut self.last_run);
        self.checks += 1;
        self.degraded += u32::from(!transition.subjects.is_empty());
        for subject in &transition.subjects {
            *self.wrong.entry(subject.clone()).or_default() += 1;
        }
        if matches!(transition.kind, Kind::Steady | Kind::Repeated) {
            return;
        }
        if self.changes.len() == KEPT {
            self.more += 1;
            return;
        }
        let kind = transition.kind;
        // Of a trouble that is over, what it was.
        let named = if kind == Kind::Resolved { &transition.before } else { &transition.subjects };
        let subjects = named.clone();
        self.changes.push(Change { kind, at: now, subjects, told });
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|day: &Self| day.schema == SCHEMA)
    }
}

/// Where a day is kept.
pub(crate) fn key(date: &str) -> String {
    format!("health:system-health:day:v1:{date}")
}

/// The day of a time, such as `2026-03-01`.
pub(crate) fn date(now: Timestamp) -> String {
    local(now).date().to_string()
}

/// The day before that.
pub(crate) fn yesterday(now: Timestamp) -> String {
    let today = local(now).date();
    today.yesterday().unwrap_or(today).to_string()
}

/// The time of the day, such as `09:15`.
pub(crate) fn clock(now: Timestamp) -> String {
    local(now).strftime("%H:%M").to_string()
}

fn local(now: Timestamp) -> jiff::Zoned {
    let zone = jiff::tz::TimeZone::get("America/Los_Angeles");
    now.to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC))
}
