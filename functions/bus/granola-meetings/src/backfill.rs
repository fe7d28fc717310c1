//! Looks at all meetings of the past.

use outside::{Note, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::events::{BackfillRequested, Meeting, Range};
use crate::list::granola_list;
use crate::one_by_one::{self, Outcome};
use crate::processed;

/// The spans of time, the latest one first.
const RANGES: [&str; 3] = ["this_week", "last_week", "last_30_days"];
/// How many spans, and how many meetings, one run takes: what a run may hold has an end.
const MOST_RANGES: usize = 50;
const MOST: usize = 200;

/// What a backfill ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Backfilled {
    /// Whether they were only counted.
    pub dry_run: bool,
    /// How many there are.
    pub total_found: usize,
    /// How many had been looked at before.
    pub already_processed: usize,
    /// What came of the others.
    pub meetings: Vec<Outcome>,
    /// How many are left for another request.
    pub left: usize,
}

/// Has all meetings of the past analysed, one after another.
#[function(
    id = "granola-backfill",
    name = "Backfill all meetings",
    on(BackfillRequested),
    singleton(mode = "skip"),
    retries = 3
)]
pub async fn granola_backfill(ctx: Ctx, request: BackfillRequested) -> Result<Backfilled> {
    let named = RANGES.iter().map(|range| Range::named(range));
    let ranges = named.chain(request.custom_ranges).take(MOST_RANGES);
    let mut all: Vec<Meeting> = Vec::new();
    for (number, range) in ranges.enumerate() {
        let found = ctx
            .invoke::<granola_list>("list", range)
            .timeout(Duration::from_hours(1))
            .key(number)
            .await
            .inspect_err(|error| Note::of(COMPONENT, "granola.backfill").failed(&ctx, error))?;
        for meeting in found {
            if all.iter().all(|known| known.meeting_id != meeting.meeting_id) {
                all.push(meeting);
            }
        }
    }
    let mut new = ctx
        .step("get-processed", async |io| processed::without(&io, &all))
        .await
        .inspect_err(|error| Note::of(COMPONENT, "granola.backfill").failed(&ctx, error))?;
    let already_processed = all.len() - new.len();
    let left = new.len().saturating_sub(MOST);
    new.truncate(MOST);
    let meetings = if request.dry_run {
        let planned = |one: &Meeting| Outcome {
            meeting_id: one.meeting_id.clone(),
            title: one.title.clone(),
            status: "planned".to_owned(),
        };
        new.iter().map(planned).collect()
    } else {
        one_by_one::analyze(&ctx, &new, "backfill").await?
    };
    let done = Backfilled {
        dry_run: request.dry_run,
        total_found: all.len(),
        already_processed,
        meetings,
        left,
    };
    ctx.step("notify-gateway", async |io| {
        Ok(Tell::notify("granola.backfill", json!({ "backfill": done })).by(&io))
    })
    .await?;
    Note::of(COMPONENT, "granola.backfill").with("backfill", &done).done(&ctx);
    Ok(done)
}
