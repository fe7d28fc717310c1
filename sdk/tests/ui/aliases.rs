#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("shop/order.paid"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    let former = "charge";
    ctx.step("charge-card", async |_io| Ok(1)).alias("reserve").await?;
    ctx.step("reserve", async |_io| Ok(2)).await?;
    ctx.sleep("nap", Duration::ZERO).alias("nap").await?;
    ctx.step("pack", async |_io| Ok(3)).alias("wrap").key(1).await?;
    ctx.step("send", async |_io| Ok(4)).key(1).alias("wrap").await?;
    ctx.step("bill", async |_io| Ok(5)).alias(former).await?;
    ctx.step("thank", async |_io| Ok(6)).alias("").await?;
    Ok(event)
}

fn main() {}
