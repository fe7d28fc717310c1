#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.paid")]
struct OrderPaid {
    order_id: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.cancelled")]
struct OrderCancelled {
    id: String,
}

#[function(id = "f", on(OrderPaid), cancel_on(OrderCancelled, same = order_id))]
async fn f(ctx: Ctx, order: OrderPaid) -> Result<()> {
    ctx.wait_for::<OrderPaid>("paid").where_eq(OrderPaid::FIELDS.ordr_id, "7").await?;
    Ok(())
}

fn main() {}
