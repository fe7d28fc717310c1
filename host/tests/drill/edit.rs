//! `edit`: a function is saved again and again while events flow. How long it takes until an event is served by the new
//! code, the build and the rest apart; and no run is lost.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::{JoinHandle, block_in_place};
use tokio_util::sync::CancellationToken;

use crate::edited::{Dev, Edited, Sender};
use crate::patience::PATIENCE;
use crate::{Figures, Size};

/// From saving to serving, without the build.
const REST: Duration = Duration::from_millis(300);

/// An event comes this often.
const EVERY: Duration = Duration::from_millis(20);

/// One run in so many sleeps in its middle, so that code is replaced under it.
const SLEEPS: usize = 10;

const FUNCTION: &str = r#"//! Tells which version began a run and which one ended it.

use system_bus_sdk::prelude::*;

const VERSION: u64 = {{VERSION}};

/// A run is wanted.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event("edited/run.requested")]
pub struct Requested {
    /// Whether to sleep in the middle.
    pub sleeps: bool,
}

/// Two steps, and perhaps a sleep between them.
#[function(id = "edited", on(Requested), retries = 3)]
pub async fn edited(ctx: Ctx, requested: Requested) -> Result<(u64, u64)> {
    let began = ctx.step("begin", async |_io| Ok(VERSION)).await?;
    if requested.sleeps {
        ctx.sleep("nap", Duration::from_secs(1)).await?;
    }
    let ended = ctx.step("end", async |_io| Ok(VERSION)).await?;
    Ok((began, ended))
}

component![edited];
"#;

/// One edit, measured.
#[derive(Debug, Clone, Copy)]
struct Edit {
    /// From saving to the end of the first run that was served by the new code alone.
    total: Duration,
    built: Duration,
}

impl Edit {
    fn rest(self) -> Duration {
        self.total.saturating_sub(self.built)
    }
}

/// What became of the events.
#[derive(Debug, Default)]
struct Runs {
    completed: usize,
    moved: usize,
    failed: Vec<String>,
}

impl Runs {
    /// Takes in what `dev` told. The version that served a run from its beginning to its end, if one did.
    fn take(&mut self, line: &Value) -> Option<u64> {
        match line["what"].as_str() {
            Some("run_completed") => {
                self.completed += 1;
                let (began, ended) = (line["output"][0].as_u64()?, line["output"][1].as_u64()?);
                self.moved += usize::from(began != ended);
                (began == ended).then_some(ended)
            }
            Some("run_failed" | "run_canceled" | "run_stuck" | "call_failed" | "step_errored") => {
                self.failed.push(line.to_string());
                None
            }
            _ => None,
        }
    }
}

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let edits = size.pick(30, 3);
    let edited = Edited::new("edited");
    std::fs::remove_dir_all(edited.folder().join("events")).expect("no samples");
    let save = |version: usize| {
        edited.save("src/lib.rs", &FUNCTION.replace("{{VERSION}}", &version.to_string()))
    };
    save(0);
    let dev = edited.dev();
    let sender = Sender::to(&block_in_place(|| dev.up()));
    block_in_place(|| dev.told("reloaded"));

    let stop = CancellationToken::new();
    let events = flow(sender, stop.clone());
    let mut runs = Runs::default();
    let mut measured = Vec::new();
    let mut short = Vec::new();
    for version in 1..=edits {
        let saved = save(version);
        match block_in_place(|| served(&dev, &mut runs, version as u64, saved)) {
            Ok(edit) => measured.push(edit),
            Err(fault) => {
                short.push(fault);
                break;
            }
        }
    }
    stop.cancel();
    let sent = events.await.expect("it sends");
    let end = Instant::now() + PATIENCE;
    while runs.completed + runs.failed.len() < sent && Instant::now() < end {
        if let Some((_, line)) = block_in_place(|| dev.next(Duration::from_millis(100))) {
            runs.take(&line);
        }
    }
    figures(&measured, &runs, sent);

    if runs.completed != sent {
        short.push(format!("edit: {} of {sent} runs completed", runs.completed));
    }
    if let Some(first) = runs.failed.first() {
        short.push(format!("edit: {} failures, such as {first}", runs.failed.len()));
    }
    let rest = middle(&measured, Edit::rest);
    if size == Size::Full && rest > REST {
        short.push(format!("edit: the rest takes {rest:.0?}, and {REST:.0?} is what it may take"));
    }
    short
}

/// Events, one after the other at a steady pace; how many were sent.
fn flow(sender: Sender, stop: CancellationToken) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut sent = 0;
        let mut pace = tokio::time::interval(EVERY);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            pace.tick().await;
            sender.send("edited/run.requested", &json!({ "sleeps": sent % SLEEPS == 0 })).await;
            sent += 1;
        }
        sent
    })
}

/// Waits for the first run that this version served, and for what `dev` says of its build.
fn served(dev: &Dev, runs: &mut Runs, version: u64, saved: Instant) -> Result<Edit, String> {
    let (mut total, mut built) = (None, None);
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let Some((at, line)) = dev.next(Duration::from_secs(1)) else { continue };
        match line["what"].as_str() {
            Some("refused" | "failed") => return Err(format!("edit: not built: {line}")),
            Some("reloaded") => {
                built = line["took"]["built_ms"].as_u64().map(Duration::from_millis);
            }
            _ => {
                if runs.take(&line) == Some(version) {
                    total = total.or(Some(at.duration_since(saved)));
                }
            }
        }
        if let (Some(total), Some(built)) = (total, built) {
            return Ok(Edit { total, built });
        }
    }
    Err(format!("edit: version {version} served nothing"))
}

fn middle(edits: &[Edit], of: impl Fn(Edit) -> Duration) -> Duration {
    let mut all: Vec<_> = edits.iter().map(|edit| of(*edit)).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn figures(edits: &[Edit], runs: &Runs, sent: usize) {
    let longest = edits.iter().map(|edit| edit.rest()).max().unwrap_or_default();
    let mut figures = Figures::of("edit: a function is saved while events flow");
    figures.add("edits", edits.len());
    figures
        .add("saved to first event served, median", format!("{:.2?}", middle(edits, |e| e.total)));
    figures.add("of which the build, median", format!("{:.2?}", middle(edits, |e| e.built)));
    figures.add("of which the rest, median", format!("{:.2?}", middle(edits, Edit::rest)));
    figures.add("the rest, longest", format!("{longest:.0?}"));
    figures.add("events", sent);
    figures.add("runs that completed", runs.completed);
    figures.add("runs that two versions served", runs.moved);
    figures.add("calls, steps and runs that failed", runs.failed.len());
    figures.print();
}
