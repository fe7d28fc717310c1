//! Looks for new meetings.

use outside::{Note, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::events::{CheckRequested, Range};
use crate::list::granola_list;
use crate::one_by_one::{self, Outcome};
use crate::processed;

/// What a look for new meetings ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// `noop` or `new-meetings`.
    pub status: String,
    /// How many there are today.
    pub total: usize,
    /// What came of the new ones.
    pub meetings: Vec<Outcome>,
}

/// Looks for new meetings of today, and has them analysed.
///
/// It asks Granola nothing itself and has no limit of the account: it waits for those that have it.
#[function(
    id = "check/granola-meetings",
    name = "Check for new meetings",
    on(CheckRequested),
    singleton(mode = "skip"),
    retries = 2
)]
pub async fn check_granola(ctx: Ctx, _request: CheckRequested) -> Result<Checked> {
    let failed = |error: &Error| Note::of(COMPONENT, "granola.check").failed(&ctx, error);
    let all = ctx
        .invoke::<granola_list>("list-recent-meetings", Range::named("today"))
        .timeout(Duration::from_hours(1))
        .await
        .inspect_err(failed)?;
    let new = ctx
        .step("filter-processed", async |io| processed::without(&io, &all))
        .await
        .inspect_err(failed)?;
    if new.is_empty() {
        Note::of(COMPONENT, "granola.check").debug().with("total", all.len()).done(&ctx);
        return Ok(Checked { status: "noop".to_owned(), total: all.len(), meetings: Vec::new() });
    }
    ctx.step("notify-new-meetings", async |io| {
        let titles: Vec<_> = new.iter().map(|one| &one.title).collect();
        Ok(Tell::notify("granola.new.meetings", json!({ "meetings": titles })).by(&io))
    })
    .await?;
    let meetings = one_by_one::analyze(&ctx, &new, "heartbeat").await?;
    Note::of(COMPONENT, "granola.check")
        .with("total", all.len())
        .with("meetings", &meetings)
        .done(&ctx);
    Ok(Checked { status: "new-meetings".to_owned(), total: all.len(), meetings })
}
