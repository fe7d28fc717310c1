#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(
    id = "f",
    on("a/b.c", if = "event.data.x = 1"),
    throttle(limit = 1, period = "1m", key = ""),
    concurrency(limit = 1, key = "data.customer"),
    priority = "(event.data.vip ? 1 : 0",
    cancel_on("a/b.d", if = "data.id == async.data.id"),
    cancel_on("a/b.e", if = "has(async.data.id)"),
    cancel_on("a/b.*", same = "order_id"),
    cancel_on("a/b.f", same = order_id)
)]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
