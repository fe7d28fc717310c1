#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("shop/order.paid"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    let id = "reserve";
    ctx.step(id, async |_io| Ok(1)).await?;
    ctx.sleep(&format!("s"), Duration::ZERO).await?;
    Ok(event)
}

fn main() {}
