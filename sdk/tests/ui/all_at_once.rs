#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", cron("* *"), retries = 0, on("X"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    loop {
        ctx.step("a", async |_io| Ok(1)).await?;
    }
    Ok(event)
}

component![f];

fn main() {}
