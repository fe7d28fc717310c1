//! Comparing the vault with the site, and taking away what is on the site alone.

use std::collections::BTreeSet;

use outside::{Note, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::content::{self, Content, Source};
use crate::convex::Convex;
use crate::report::{Problem, tags};
use crate::settings::Settings;
use crate::site;

/// Somebody wants to know whether the site is what the vault is.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("content/verify.requested")]
pub struct VerifyRequested {}

/// Somebody wants what is on the site alone to go.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("content/prune.requested")]
pub struct PruneRequested {
    /// Whether it shall go, and not only be named.
    #[serde(default)]
    pub apply: bool,
}

/// How a kind of content differs on both sides.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Which kind.
    pub source: Source,
    /// In the vault and not on the site.
    pub missing: Vec<String>,
    /// On the site and not in the vault, or not to be shown.
    pub extra: Vec<String>,
    /// On both sides, and not the same.
    pub stale: Vec<String>,
    /// Files that cannot be read.
    pub unreadable: Vec<String>,
}

/// What became of what is on the site alone.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// Whether it was to go.
    pub applied: bool,
    /// Decision records on the site whose files are gone.
    pub orphans: Vec<String>,
    /// Those that were removed.
    pub removed: Vec<String>,
    /// Those that could not be.
    pub errors: Vec<Problem>,
}

/// Reports what is missing on each side.
#[function(
    id = "system/content-verify",
    name = "Content verify",
    on(VerifyRequested),
    retries = 1,
    concurrency(limit = 1, key = "'content-verify'")
)]
pub async fn content_verify(ctx: Ctx, _event: VerifyRequested) -> Result<Vec<Difference>> {
    let settings = Settings::read(&ctx)?;
    let found = ctx.step("compare-content", async |io| differences(&io, &settings).await).await;
    let differences = found.inspect_err(|error| {
        Note::of(COMPONENT, "content.verified").failed(&ctx, error);
    })?;
    let same = differences.iter().all(Difference::is_none);
    let note = Note::of(COMPONENT, "content.verified").with("differences", &differences);
    if same {
        note.done(&ctx);
        return Ok(differences);
    }
    note.warn().failed(&ctx, "the site is not what the vault is");
    ctx.step("notify-gateway", async |io| {
        let details = json!({ "differences": differences });
        Ok(Tell::notify("content.differs", details).by(&io))
    })
    .await?;
    Ok(differences)
}

/// Names decision records whose files are gone, and removes them when told to.
#[function(
    id = "system/content-prune",
    name = "Content prune",
    on(PruneRequested),
    retries = 1,
    concurrency(limit = 1, key = "'content-prune'")
)]
pub async fn content_prune(ctx: Ctx, event: PruneRequested) -> Result<Pruned> {
    let settings = Settings::read(&ctx)?;
    let found = ctx.step("find-orphans", async |io| orphans(&io, &settings).await).await;
    let orphans = found.inspect_err(|error| {
        Note::of(COMPONENT, "content.prune").failed(&ctx, error);
    })?;
    let mut pruned =
        Pruned { applied: event.apply, orphans, removed: Vec::new(), errors: Vec::new() };
    let note = Note::of(COMPONENT, "content.prune").with("orphans", &pruned.orphans);
    if !event.apply || pruned.orphans.is_empty() {
        note.with("applied", event.apply).done(&ctx);
        return Ok(pruned);
    }
    (pruned.removed, pruned.errors) = ctx
        .step("remove-orphans", async |io| {
            site::remove(&Convex { io: &io, url: &settings.convex }, &pruned.orphans).await
        })
        .await?;
    let note = note.with("applied", true).with("removed", &pruned.removed);
    if pruned.errors.is_empty() {
        note.done(&ctx);
    } else {
        note.warn().failed(&ctx, "some records are still there");
    }
    // The site has nothing to read again.
    if pruned.removed.is_empty() {
        return Ok(pruned);
    }
    let tags = tags(&pruned.removed);
    let told = ctx
        .step("revalidate-cache", async |io| site::revalidate(&io, &settings, &tags).await)
        .await;
    if let Err(error) = told {
        Note::of(COMPONENT, "content.revalidate").warn().failed(&ctx, &error);
        pruned.errors.push(Problem::of("revalidate", &error));
    }
    Ok(pruned)
}

impl Difference {
    fn is_none(&self) -> bool {
        [&self.missing, &self.extra, &self.stale, &self.unreadable].iter().all(|all| all.is_empty())
    }
}

async fn differences(io: &Io, settings: &Settings) -> Result<Vec<Difference>> {
    let convex = Convex { io, url: &settings.convex };
    let mut all = Vec::new();
    for source in Source::ALL {
        let records = convex.records(source).await?;
        let mut found = Difference {
            source,
            missing: Vec::new(),
            extra: Vec::new(),
            stale: Vec::new(),
            unreadable: Vec::new(),
        };
        let mut shown = BTreeSet::new();
        for file in content::files(io, source, settings)? {
            match content::read(io, &file.path, &file.resource, settings) {
                Err(_) => {
                    shown.insert(file.resource);
                    found.unreadable.push(file.path);
                }
                Ok(Content::Published(document)) => {
                    match records.get(&file.resource) {
                        None => found.missing.push(file.resource.clone()),
                        Some(hash) if *hash != document.hash => {
                            found.stale.push(file.resource.clone());
                        }
                        Some(_) => {}
                    }
                    shown.insert(file.resource);
                }
                Ok(_) => {}
            }
        }
        found.extra = records.into_keys().filter(|id| !shown.contains(id)).collect();
        all.push(found);
    }
    Ok(all)
}

/// Decision records whose files are gone. A vault without a single decision is one that is not there.
async fn orphans(io: &Io, settings: &Settings) -> Result<Vec<String>> {
    let files = content::files(io, Source::Adrs, settings)?;
    if files.is_empty() {
        return Err(
            Error::stop("the vault has no decisions at all: is it there?").named("EmptyVault")
        );
    }
    let known: BTreeSet<_> = files.into_iter().map(|file| file.resource).collect();
    let records = Convex { io, url: &settings.convex }.records(Source::Adrs).await?;
    Ok(records.into_keys().filter(|id| !known.contains(id)).collect())
}
