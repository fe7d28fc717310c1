//! What a function sees outside of steps: the same in every replay.
#![cfg(target_family = "wasm")]
#![no_main]

use std::collections::HashSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use system_bus_sdk::prelude::*;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seen {
    millis: u128,
    hashed: Vec<u32>,
}

fn look() -> Seen {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
    // The order of a hash set shows its random seed.
    let set: HashSet<u32> = (0..16).collect();
    Seen { millis, hashed: set.into_iter().collect() }
}

/// Looks before and after a step, and inside of it.
#[function(id = "looks", on("testing/looks.requested"), retries = 4)]
async fn looks(ctx: Ctx, _event: Incoming<Value>) -> Result<Value> {
    let before = look();
    let stood = Instant::now().elapsed().is_zero();
    let inside = ctx.step("inside", async |_io| Ok(look())).await?;
    let after = look();
    Ok(serde_json::json!({
        "before": before, "inside": inside, "after": after, "stood": stood, "now": ctx.now().as_millisecond(),
    }))
}

/// Logs once between each of its steps.
#[function(id = "logs", on("testing/logs.requested"), retries = 4)]
async fn logs(ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    log::info!("begin");
    ctx.step("one", async |_io| {
        log::info!("in one");
        Ok(())
    })
    .await?;
    log::info!("between");
    ctx.step("two", async |_io| Ok(())).await?;
    log::info!("end");
    Ok(())
}

/// Asks the network outside of a step, as a library might that knows nothing of steps.
#[function(id = "asks-outside", on("testing/asks-outside.requested"), retries = 4)]
async fn asks_outside(_ctx: Ctx, _event: Incoming<Value>) -> Result<&'static str> {
    let request = OutgoingRequest::new(Fields::new());
    // Whatever the answer, a guest could go on from here.
    match outgoing_handler::handle(request, None) {
        Ok(_) => Ok("it was sent"),
        Err(_) => Ok("it was refused, and nobody noticed"),
    }
}

/// Waits by a timer outside of a step.
#[function(id = "waits-outside", on("testing/waits-outside.requested"), retries = 4)]
async fn waits_outside(_ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    std::thread::sleep(Duration::from_millis(1));
    Ok(())
}

/// Waits for something that is not a step.
#[function(id = "stuck", on("testing/stuck.requested"), retries = 4)]
async fn stuck(_ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    std::future::pending().await
}

/// Asks for what the event names, inside of a step.
#[function(id = "asks", on("testing/asks.requested"), retries = 4)]
async fn asks(ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    let url = event.data["url"].as_str().unwrap_or_default();
    ctx.step("ask", async |io| {
        match io
            .http()
            .get(url)
            .silence(Duration::from_millis(300))
            .timeout(Duration::from_secs(5))
            .send()
            .await
        {
            Ok(answer) => Ok(format!("status {}", answer.status)),
            Err(error) => Ok(format!("{:?}", error.kind())),
        }
    })
    .await
}

system_bus_sdk::component![looks, logs, asks_outside, waits_outside, stuck, asks];
