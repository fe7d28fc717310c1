#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(
    id = "f",
    on("a/b.c"),
    batch(max_size = 2, timeout = "1s"),
    cancel_on("a/b.d"),
    debounce(period = "1s"),
    singleton(mode = "skip"),
    priority = "1"
)]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(
    id = "g",
    on("a/b.c"),
    rate_limit(limit = 1, period = "1m"),
    idempotency = "event.data.x"
)]
async fn g(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(id = "h", on("a/b.c"), cron("0 * * * *"), debounce(period = "1m"))]
async fn h(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
