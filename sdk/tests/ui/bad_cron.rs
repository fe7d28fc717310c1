#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", cron("0 9 * *"), cron("0 0 9 * * 1"), cron("@daily"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
