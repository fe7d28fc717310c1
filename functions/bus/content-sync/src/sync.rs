//! Bringing the vault to the site.

use outside::{Note, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::content::{self, Content, File, Source};
use crate::convex::Convex;
use crate::report::{Counts, Problem, SyncReport, Synced, tags};
use crate::settings::Settings;
use crate::site;

/// Brings what has changed to the site, when nothing has changed for a while.
#[function(
    id = "system/content-sync",
    name = "Content sync",
    on("content/updated"),
    on("content/seed.requested"),
    on("discovery/captured"),
    on("system/adr.sync.requested"),
    retries = 1,
    concurrency(limit = 1, key = "'content-sync'"),
    debounce(period = "45s", timeout = "3m", key = "'vault-sync'")
)]
pub async fn content_sync(ctx: Ctx, event: Incoming<Value>) -> Result<SyncReport> {
    let settings = Settings::read(&ctx).inspect_err(|error| {
        Note::of(COMPONENT, "content.sync.finished").failed(&ctx, error);
    })?;
    ctx.step("otel-start", async |io| {
        Note::of(COMPONENT, "content.sync.started").with("event", &event.name).done(&io);
        Ok(())
    })
    .await?;

    // What is to be written is stored before it is: after a crash what was written looks as if it had been there.
    let planned = ctx.step("compare-content", async |io| plan(&io, &settings).await).await;
    let Plan { mut synced, writes } = planned.inspect_err(|error| {
        Note::of(COMPONENT, "content.sync.finished").failed(&ctx, error);
    })?;
    let (written, problems) =
        ctx.step("upsert-to-convex", async |io| upsert(&io, &settings, &writes).await).await?;
    for write in writes.iter().filter(|write| written.contains(&write.resource)) {
        synced.counts.entry(write.source).or_default().upserted += 1;
    }
    (synced.changed, synced.errors) = (written, [synced.errors, problems].concat());
    let (removed, problems) = ctx
        .step("remove-ineligible-discoveries", async |io| {
            site::remove(&Convex { io: &io, url: &settings.convex }, &synced.ineligible).await
        })
        .await?;
    synced.errors.extend(problems);

    let mut revalidated = tags(synced.changed.iter().chain(&removed));
    if !revalidated.is_empty() {
        let told = ctx
            .step("revalidate-cache", async |io| {
                site::revalidate(&io, &settings, &revalidated).await
            })
            .await;
        // What is written is written; the site shows it when its own time is over.
        if let Err(error) = told {
            Note::of(COMPONENT, "content.revalidate").warn().failed(&ctx, &error);
            synced.errors.push(Problem::of("revalidate", &error));
            revalidated.clear();
        }
    }

    let report = SyncReport { synced, removed, revalidated };
    // An hourly pass that changes nothing is nobody's news.
    if !report.is_quiet() {
        ctx.step("notify-gateway", async |io| {
            let details = json!({
                "counts": report.synced.counts,
                "changed": report.synced.changed,
                "removed": report.removed,
                "errors": report.synced.errors,
            });
            Ok(Tell::notify("content.synced", details).by(&io))
        })
        .await?;
    }
    ctx.step("otel-finish", async |io| {
        let note = Note::of(COMPONENT, "content.sync.finished")
            .with("counts", &report.synced.counts)
            .with("removed", report.removed.len());
        match report.synced.errors.as_slice() {
            [] => note.done(&io),
            errors => note.warn().with("errors", errors).failed(&io, "some files were not synced"),
        }
        Ok(())
    })
    .await?;
    Ok(report)
}

impl SyncReport {
    fn is_quiet(&self) -> bool {
        let Synced { changed, errors, .. } = &self.synced;
        changed.is_empty() && errors.is_empty() && self.removed.is_empty()
    }
}

/// What a pass is to do.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
struct Plan {
    synced: Synced,
    writes: Vec<Write>,
}

/// A file that differs from its record.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Write {
    source: Source,
    resource: String,
    path: String,
}

/// Compares digests.
async fn plan(io: &Io, settings: &Settings) -> Result<Plan> {
    let convex = Convex { io, url: &settings.convex };
    let mut plan = Plan::default();
    for source in Source::ALL {
        let records = convex.records(source).await?;
        let mut counts = Counts::default();
        for File { resource, path } in content::files(io, source, settings)? {
            match content::read(io, &path, &resource, settings) {
                Err(error) => plan.synced.errors.push(Problem::of(path, &error)),
                Ok(Content::Published(document)) => {
                    if records.get(&resource) == Some(&document.hash) {
                        counts.skipped += 1;
                    } else {
                        plan.writes.push(Write { source, resource, path });
                    }
                }
                Ok(left) => {
                    match left {
                        Content::Draft => counts.draft += 1,
                        Content::Private => counts.private += 1,
                        _ => counts.offsite += 1,
                    }
                    if source == Source::Discoveries && records.contains_key(&resource) {
                        plan.synced.ineligible.push(resource);
                    }
                }
            }
        }
        plan.synced.counts.insert(source, counts);
    }
    Ok(plan)
}

/// Writes what differs. What goes wrong with one file does not keep the others.
async fn upsert(
    io: &Io,
    settings: &Settings,
    writes: &[Write],
) -> Result<(Vec<String>, Vec<Problem>)> {
    let convex = Convex { io, url: &settings.convex };
    let (mut written, mut problems) = (Vec::new(), Vec::new());
    for Write { source, resource, path } in writes {
        let document = match content::read(io, path, resource, settings) {
            Ok(Content::Published(document)) => document,
            // Somebody took it back meanwhile.
            Ok(_) => continue,
            Err(error) => {
                problems.push(Problem::of(path, &error));
                continue;
            }
        };
        match convex.upsert(*source, resource, &document).await {
            Ok(()) => written.push(resource.clone()),
            Err(error) => problems.push(Problem::of(path, &error)),
        }
    }
    Ok((written, problems))
}
