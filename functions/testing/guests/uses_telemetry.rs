//! Keeps records of what it does, and too many.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;

/// Records outside of steps, inside of one, and a failure.
#[function(id = "records", on("testing/telemetry.requested"), retries = 4)]
async fn records(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.record("before").done();
    let answer = ctx
        .step("probe", async |io| {
            let span = io.span("connecting");
            io.record("probe.redis")
                .component("health-check")
                .took(Duration::from_millis(12))
                .with("port", 6379)
                .done();
            span.failed("refused");
            io.record("probe.disk").level(Level::Fatal).failed("full");
            Ok(1)
        })
        .await?;
    ctx.record("after").done();
    Ok(answer)
}

/// Records the same over and over, and leaves spans open.
#[function(id = "floods", on("testing/telemetry.requested"), retries = 4)]
async fn floods(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.step("flood", async |io| {
        for number in 0..2000 {
            io.record("small-thing").level(Level::Debug).with("number", number).done();
            std::mem::forget(io.span("left open"));
        }
        Ok(2000)
    })
    .await
}

/// Says things that are no record: nothing of it fails.
#[function(id = "mumbles", on("testing/telemetry.requested"), retries = 4)]
async fn mumbles(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.step("mumble", async |io| {
        io.record("").failed("");
        io.record("long").with("text", "x".repeat(100_000)).done();
        io.record("forged").with("run", "another").with("function", "another").done();
        Ok(3)
    })
    .await
}

system_bus_sdk::component![records, floods, mumbles];
