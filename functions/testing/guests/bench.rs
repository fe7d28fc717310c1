//! What the benchmarks run.
#![cfg(target_family = "wasm")]
#![no_main]

use futures::future::join_all;
use system_bus_sdk::prelude::*;

/// The memo of one step: six fields, as a typical result has.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    id: String,
    name: String,
    count: u64,
    ratio: f64,
    done: bool,
    tags: Vec<String>,
}

/// Does nothing.
#[function(id = "noop", on("testing/noop.requested"), retries = 4)]
async fn noop(_ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    Ok(())
}

/// Awaits as many steps as the event says, one after another, then plans two side by side.
#[function(id = "replays", on("testing/replays.requested"), retries = 4)]
async fn replays(ctx: Ctx, event: Incoming<Value>) -> Result<u64> {
    let steps = event.data["steps"].as_u64().unwrap_or(0);
    let mut sum = 0;
    for n in 0..steps {
        let record: Record =
            ctx.step("item", async |_io| Err(Error::stop("it has a memo"))).key(n).await?;
        sum += record.count;
    }
    let (a, b) =
        futures::join!(ctx.step("a", async |_io| Ok(1_u64)), ctx.step("b", async |_io| Ok(2_u64)));
    Ok(sum + a? + b?)
}

/// Plans as many steps as the event says, side by side.
#[function(id = "plans", on("testing/plans.requested"), retries = 4)]
async fn plans(ctx: Ctx, event: Incoming<Value>) -> Result<u64> {
    let steps = event.data["steps"].as_u64().unwrap_or(0);
    let all = (0..steps).map(|n| ctx.step("item", async move |_io| Ok(n)).key(n));
    join_all(all).await.into_iter().sum()
}

/// Runs one body.
#[function(id = "runs", on("testing/runs.requested"), retries = 4)]
async fn runs(ctx: Ctx, _event: Incoming<Value>) -> Result<u64> {
    ctx.step("only", async |_io| Ok(7)).await
}

system_bus_sdk::component![noop, replays, plans, runs];
