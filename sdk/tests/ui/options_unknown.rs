#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("a/b.c"), throttle(limit = 1, period = "1m", every = "2m"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(id = "g", on("a/b.c"), throttle(limit = 1), batch(timeout = "1s"), timeouts())]
async fn g(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(id = "h", on("a/b.c"), singleton(mode = "wait"), checkpoint = "sometimes", singleton(mode = skip))]
async fn h(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
