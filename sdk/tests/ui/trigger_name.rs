#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("OrderPaid"), on("inngest/scheduled.timer"), on(""))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
