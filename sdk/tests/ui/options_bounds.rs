#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(
    id = "f",
    on("a/b.c"),
    concurrency(limit = 0),
    throttle(limit = 1, period = "1.5h"),
    rate_limit(limit = 1, period = "25h"),
    debounce(period = "8d"),
    timeouts(finish = "1y"),
    checkpoint(steps = 1001, interval = "ten seconds", max_runtime = "2h")
)]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(id = "g", on("a/b.c"), batch(max_size = 101, timeout = "500ms"))]
async fn g(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(id = "h", cron("0 9 * * *", jitter = "6m"))]
async fn h(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
