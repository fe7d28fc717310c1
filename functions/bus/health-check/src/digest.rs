//! The summary of a day.

use outside::{Note, Store, Tell, Told};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::day::{self, Day};
use crate::latch::{self, Latch};
use crate::transition::claim;

/// What came of a summary.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Digested {
    /// The day that it is about.
    pub date: String,
    /// How many checks there were.
    pub checks: u32,
    /// In how many of them something was wrong.
    pub degraded: u32,
    /// What came of telling it; none where that day's was told before.
    pub told: Option<Told>,
}

/// Tells people how the day before was.
#[function(
    id = "check/system-health-daily-digest",
    name = "Check system health: daily digest",
    cron("TZ=America/Los_Angeles 5 0 * * *"),
    concurrency(limit = 1),
    retries = 1
)]
pub async fn health_daily_digest(ctx: Ctx, _timer: Cron) -> Result<Digested> {
    let digested = digest(&ctx).await;
    digested.inspect_err(|error| {
        Note::of(COMPONENT, "system.health.digest").failed(&ctx, error);
    })
}

async fn digest(ctx: &Ctx) -> Result<Digested> {
    let date = day::yesterday(ctx.now());
    let (day, wrong): (Day, Vec<String>) = ctx
        .step("read-health-day", async |io| {
            let store = Store::of(&io);
            let day = store.get(&day::key(&date))?.as_deref().and_then(Day::parse);
            let latch = store.get(latch::KEY)?.as_deref().and_then(Latch::parse);
            let wrong = latch.map(|latch| latch.subjects.into_iter().collect());
            Ok((day.unwrap_or_default(), wrong.unwrap_or_default()))
        })
        .await?;
    let (checks, degraded) = (day.checks, day.degraded);
    let ours = ctx
        .step("claim-health-daily-digest", async |io| {
            let key = format!("health:system-health:digest:v1:{date}");
            Ok(claim(&io, &key, ctx.run_id())?)
        })
        .await?;
    if !ours {
        return Ok(Digested { date, checks, degraded, told: None });
    }
    let told = ctx
        .step("notify-health-daily-digest", async |io| {
            let note = Note::of(COMPONENT, "system.health.digest")
                .with("date", &date)
                .with("day", &day)
                .with("wrong", &wrong);
            if day.checks == 0 {
                note.warn().failed(&io, "there was no check all day");
            } else {
                note.done(&io);
            }
            let details = json!({
                "date": date,
                "message": words(&date, &day, &wrong),
                "checks": day.checks,
                "degradedChecks": day.degraded,
                "wrong": day.wrong,
                "transitions": day.changes,
                "openNow": wrong,
            });
            Ok(Tell::notify("system.health.daily-digest", details).by(&io))
        })
        .await?;
    Ok(Digested { date, checks, degraded, told: Some(told) })
}

fn words(date: &str, day: &Day, wrong: &[String]) -> String {
    let mut lines = vec![match (day.checks, day.degraded) {
        (0, _) => format!("{date}: health was not checked all day"),
        (checks, 0) => format!("{date}: all was well in {checks} checks"),
        (checks, degraded) => {
            format!("{date}: something was wrong in {degraded} of {checks} checks")
        }
    }];
    lines.extend(day.wrong.iter().map(|(name, times)| format!("- {name}: {times} times")));
    for change in &day.changes {
        let subjects: Vec<_> = change.subjects.iter().map(String::as_str).collect();
        let told = if change.told { "" } else { " (not told at once)" };
        let line = format!(
            "- {} {}: {}{told}",
            day::clock(change.at),
            change.kind.name(),
            subjects.join(", ")
        );
        lines.push(line);
    }
    if day.more > 0 {
        lines.push(format!("- and {} more changes", day.more));
    }
    if !wrong.is_empty() {
        lines.push(format!("Still wrong: {}", wrong.join(", ")));
    }
    lines.join("\n")
}
