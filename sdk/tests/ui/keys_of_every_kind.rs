#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.paid")]
struct OrderPaid {}

#[function(id = "f", on("a/b.c"))]
async fn f(ctx: Ctx, _event: Value) -> Result<()> {
    for n in 0..2 {
        ctx.wait_for::<OrderPaid>("wait").timeout(Duration::from_secs(n)).await?;
        ctx.wait_for_signal::<Value>("signal", "s").await?;
        ctx.send_signal("tell", "s", &n).await?;
        ctx.invoke_by_id::<Value>("invoke", "g", &()).await?;
        ctx.fetch("fetch", "http://a/").await?;
        ctx.infer::<Value>("infer", Inference::openai(&())).await?;
        ctx.fetch("keyed", "http://a/").key(n).post().await?;
        ctx.fetch("keyed late", "http://a/").post().key(n).await?;
    }
    ctx.fetch("infer", "http://a/").await?;
    Ok(())
}

fn main() {}
