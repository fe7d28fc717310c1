#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(
    id = "f",
    on("a/b.c"),
    on("a/b.c"),
    concurrency(limit = 1),
    concurrency(limit = 2, key = "event.data.x"),
    concurrency(limit = 3, key = "event.data.y"),
    concurrency(limit = 4, scope = "account"),
    priority = "1",
    priority = "2",
    cancel_on("a/b.d"),
    cancel_on("a/b.e"),
    cancel_on("a/b.f"),
    cancel_on("a/b.g"),
    cancel_on("a/b.h"),
    cancel_on("a/b.i")
)]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
