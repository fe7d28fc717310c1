#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("shop/order.paid"))]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    ctx.step("outer", async |_io| {
        ctx.step("inner", async |_io| Ok(1)).await?;
        ctx.sleep("nap", Duration::ZERO).await?;
        ctx.send("tell", Outgoing::named("a/b.c", &())).await?;
        Ok(1)
    })
    .await?;
    Ok(event)
}

fn main() {}
