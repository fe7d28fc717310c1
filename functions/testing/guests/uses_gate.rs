//! Calls the cheapest function of a capability, again and again: what the gate costs.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::guest::bindings::system_bus::durable::redis;
use system_bus_sdk::prelude::*;

/// Asks whether a key exists, as often as the event says; tells how often it was there.
#[function(id = "asks", on("testing/gate.asked"), retries = 1)]
async fn asks(ctx: Ctx, event: Incoming<Value>) -> Result<u64> {
    let times = event.data["times"].as_u64().unwrap_or_default();
    ctx.step("ask", async |_io| {
        let mut there = 0;
        for _ in 0..times {
            there += u64::from(redis::exists("k").is_ok_and(|there| there));
        }
        Ok(there)
    })
    .await
}

/// The same where nothing may happen.
#[function(id = "asks-outside", on("testing/gate.asked"), retries = 1)]
async fn asks_outside(_ctx: Ctx, _event: Incoming<Value>) -> Result<bool> {
    Ok(redis::exists("k").is_ok())
}

system_bus_sdk::component![asks, asks_outside];
