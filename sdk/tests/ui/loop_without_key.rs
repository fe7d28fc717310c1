#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("shop/order.paid"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    for n in 0..3 {
        ctx.step("fine", async |_io| Ok(n)).key(n).await?;
        ctx.step("notify", async |_io| Ok(n)).await?;
    }
    while ctx.attempt() > 9 {
        ctx.sleep("nap", Duration::ZERO).await?;
    }
    let all = (0..3).map(|n| ctx.step("each", async move |_io| Ok(n)));
    futures::future::join_all(all).await;
    Ok(event)
}

fn main() {}
