#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.paid")]
struct OrderPaid {}

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.cancelled")]
struct OrderCancelled {}

#[function(id = "f", on(OrderPaid))]
async fn f(_ctx: Ctx, _order: OrderPaid) -> Result<()> {
    Ok(())
}

async fn invokes(ctx: Ctx) {
    let _ = ctx.invoke::<f>("a", OrderCancelled {});
}

fn main() {}
