//! Takes a snapshot of Typesense, copies it to the NAS, and keeps few of them. See the README.

mod commands;
mod failure;
mod paths;
mod queue;
mod report;
mod retention;
mod settings;
mod snapshot;
mod transport;

use outside::Note;
use serde_json::{Value, json};
use system_bus_sdk::prelude::*;

pub use self::failure::{BackupFailureDetected, backup_typesense_failed};
pub use self::queue::Queued;
pub use self::report::{Completed, Report};
pub use self::retention::{Pruned, Removal};
pub use self::snapshot::{Snapshot, Tried};
pub use self::transport::{Attempt, Mode};

use self::commands::Commands;

/// The id of the function, by which requests for another run name it.
pub(crate) const FUNCTION: &str = "system/backup.typesense";

/// Backs Typesense up.
#[function(
    id = "system/backup.typesense",
    name = "Back Typesense up to the NAS",
    cron("TZ=America/Los_Angeles 0 3 * * *"),
    on("system/backup.retry.requested"),
    concurrency(limit = 1),
    retries = 2
)]
pub async fn backup_typesense(ctx: Ctx, event: Incoming<Value>) -> Result<Report> {
    let target = event.data["targetFunctionId"].as_str().map(str::trim).unwrap_or_default();
    if !target.is_empty() && target != FUNCTION {
        // It is the course of things: the request is another backup's.
        Note::of("nas-backup", "system.backup.typesense.skipped")
            .debug()
            .with("targetFunctionId", target)
            .done(&ctx);
        return Ok(Report::Skipped { target_function_id: target.to_owned() });
    }
    let date = ctx.step("resolve-date-stamp", async |_io| Ok(paths::date_stamp(ctx.now()))).await?;
    let started_by = event.id.as_deref().unwrap_or(ctx.run_id());
    let stamp = ctx
        .step("resolve-snapshot-stamp", async |_io| Ok(paths::snapshot_stamp(&date, started_by)))
        .await?;
    let stage =
        ctx.step("prepare-directories", async |io| Commands::of(&io).prepare(&stamp).await).await?;
    let snapshot = ctx
        .step("trigger-snapshot-with-fallback", async |io| snapshot::take(&io, &stamp).await)
        .await?;
    ctx.step("copy-snapshot-to-host", async |io| {
        Commands::of(&io).copy(&snapshot.path, &stage).await
    })
    .await?;

    let mut before: Option<Attempt> = None;
    let transport = loop {
        let number = before.as_ref().map_or(1, |before| before.number + 1);
        let attempt = ctx
            .step("sync-snapshot-to-nas", async |io| {
                transport::attempt(&io, &date, &stage, before.as_ref(), ctx.run_id()).await
            })
            .key(number)
            .await?;
        let Some(wait) = attempt.wait_ms.filter(|_| !attempt.ok) else { break attempt };
        ctx.sleep("nas-retry-wait", Duration::from_millis(wait)).key(number).await?;
        before = Some(attempt);
    };
    if !transport.ok {
        // Whatever is left stays where it is: only what is on the NAS may go elsewhere.
        let queued = ctx
            .step("queue-snapshot-for-nas", async |io| Ok(queue::put(&io, &stage, &stamp).await))
            .await?;
        return Err(not_on_nas(&ctx, &transport, &queued));
    }
    let staged =
        ctx.step("cleanup-stage", async |io| Ok(retention::clean_stage(&io, &stage).await)).await?;
    let source = ctx
        .step("cleanup-typesense-snapshot-at-source", async |io| {
            Ok(retention::clean_source(&io, &snapshot).await)
        })
        .await?;
    let retention = ctx
        .step("prune-typesense-snapshot-roots", async |io| Ok(retention::prune(&io).await))
        .await?;
    let completed = Completed { date, snapshot, transport, stage: staged, source, retention };
    record(&ctx, &completed);
    Ok(Report::Completed(Box::new(completed)))
}

/// The failure of a run whose snapshot did not reach the NAS, with the way in its cause.
fn not_on_nas(ctx: &Ctx, last: &Attempt, queued: &Queued) -> Error {
    let hours = settings::Settings::of(&|key: &str| ctx.config(key)).window_ms / 3_600_000;
    let way = json!({
        "mode": last.mode, "attempts": last.number, "destination": last.destination,
        "windowHours": hours,
    });
    let reason = last.error.as_deref().unwrap_or("it does not say why");
    let kept = match &queued.error {
        None => format!("a copy is at {}", queued.path),
        Some(problem) => format!("no copy was made at {}: {problem}", queued.path),
    };
    let message = format!("the NAS was not reached in {} attempts: {reason}; {kept}", last.number);
    let cause = Error::stop(way.to_string()).named(failure::TRANSPORT);
    Error::stop(message).named("NasUnreachable").because_of(&cause)
}

/// One record of the backup; what could not be removed is told in it.
fn record(ctx: &Ctx, completed: &Completed) {
    let removals = [&completed.stage, &completed.source].into_iter();
    let mut problems: Vec<&str> = removals.filter_map(|one| one.error.as_deref()).collect();
    problems
        .extend(completed.retention.iter().flat_map(|one| one.errors.iter().map(String::as_str)));
    let note = Note::of("nas-backup", "system.backup.typesense").with("backup", completed);
    if problems.is_empty() {
        note.done(ctx);
    } else {
        let problems = problems.join("; ");
        note.warn().failed(ctx, problems);
    }
}

component![backup_typesense, backup_typesense_failed];

#[cfg(test)]
mod tests;
