#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("shop/order.paid"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    ctx.step("reserve", async |_io| Ok(1)).await?;
    let (_a, _b) = futures::join!(
        ctx.step("other", async |_io| Ok(2)),
        ctx.step("reserve", async |_io| Ok(3)),
    );
    ctx.sleep("other", Duration::ZERO).await?;
    Ok(event)
}

fn main() {}
