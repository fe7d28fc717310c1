//! `inngest restart-worker`: a worker started anew by its supervisor.
//!
//! A worker that is told to stop answers the calls that run, and hands those back that take longer than it may. So nothing
//! is refused because a run is active: this may be called by a step of the very worker it restarts, and that step ends
//! before the worker does. For the same reason it waits only as long as it is told to.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::answer;
use crate::asking::text;
use crate::cli::service::{Named, run_all};
use crate::cli::{Reach, service};
use crate::operate::Operated;

/// How many calls are named.
const NAMED: usize = 5;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(5);

/// Which worker, of which service.
#[derive(Debug, Args)]
pub(crate) struct RestartWorker {
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    service: Named,
    /// Wait until the new worker has registered too, and not only until it is there
    #[arg(long)]
    register: bool,
    /// How long to wait for the new worker, in milliseconds; where its predecessor takes longer to end its calls, that goes on
    /// without this command
    #[arg(long, value_name = "N", default_value_t = 1500)]
    wait_ms: u64,
}

#[derive(Serialize)]
struct Report {
    /// Whether another worker is there now.
    restarted: bool,
    /// Whether the old one still ends its calls; the supervisor starts the new one afterwards.
    handing_over: bool,
    /// Whether the server has what the new one serves.
    registered: bool,
    /// How many calls ran when it was asked for; none where the worker does not tell.
    active_call_count: Option<u64>,
    /// The longest of them.
    active_calls: Vec<Value>,
    command: String,
    worker: Value,
}

pub(super) async fn run(args: RestartWorker, json: bool) -> anyhow::Result<ExitCode> {
    let client = reqwest::Client::builder().timeout(LOOK).build()?;
    let look = async || -> Option<Value> {
        let answer = client.get(args.reach.worker.clone()).send().await.ok()?;
        let health: Value = answer.json().await.ok()?;
        (health["service"] == "system-bus").then_some(health)
    };
    let before = look().await;
    let calls = match &before {
        // One that has gone, or hangs, is started anew all the more.
        None => Value::Null,
        Some(_) => Operated::new(&args.reach)?.get("api/calls").await.unwrap_or_else(|error| {
            tracing::warn!("the worker does not tell which calls run: {error:#}");
            Value::Null
        }),
    };
    let (supervisor, bare) = (args.service.supervisor(), args.service.bare());
    let path = supervisor.path(&bare, &service::home()?);
    if !path.exists() {
        bail!(
            "there is no service {} at {}: name it with --name, or make the worker one with `system-bus service install`",
            bare.name,
            path.display()
        );
    }
    let commands = supervisor.restart(&bare);
    run_all(&commands).context("the worker was not started anew")?;

    let old = before.as_ref().map(|health| text(&health["started_at"]).to_owned());
    let (began, patience) = (Instant::now(), Duration::from_millis(args.wait_ms));
    let mut now = None;
    loop {
        if let Some(health) = look().await {
            let new = old.as_deref() != Some(text(&health["started_at"]));
            let there = new && (!args.register || health["registered"] == true);
            now = new.then_some(health);
            if there {
                break;
            }
        }
        if began.elapsed() >= patience {
            break;
        }
        sleep(PAUSE).await;
    }
    let restarted = now.is_some();
    let worker = now.unwrap_or_default();
    let registered = worker["registered"] == true;
    let active = calls["calls"].as_array().cloned().unwrap_or_default();
    // A supervisor that was told, and a worker that was there, need time and nobody's help.
    let handing_over = !restarted && before.is_some();
    let report = Report {
        restarted,
        handing_over,
        registered,
        active_call_count: calls["count"].as_u64(),
        active_calls: active.into_iter().take(NAMED).collect(),
        command: commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("; "),
        worker,
    };
    let ok = handing_over || (restarted && (registered || !args.register));
    Ok(answer::result(json, "inngest restart-worker", ok, &report, &words(&report)))
}

fn words(report: &Report) -> String {
    let mut words = match (report.restarted, report.handing_over) {
        (true, _) if report.registered => "a new worker is there, and registered".to_owned(),
        (true, _) => "a new worker is there, and not registered yet: see `system-bus inngest status`".to_owned(),
        (false, true) => "the worker ends its calls; the supervisor starts the new one then: see `system-bus inngest status`".to_owned(),
        (false, false) => "no worker is there yet: see the log of the service".to_owned(),
    };
    if let Some(count) = report.active_call_count.filter(|count| *count > 0) {
        let _ = write!(words, "\n{count} calls ran when it was asked for");
        for call in &report.active_calls {
            let _ = write!(
                words,
                "\n  {} of run {}, {} ms",
                text(&call["function"]),
                text(&call["run"]),
                call["took_ms"]
            );
        }
    }
    let _ = write!(words, "\n{}", report.command);
    words
}
