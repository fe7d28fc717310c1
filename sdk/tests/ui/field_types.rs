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
    order_id: String,
}

async fn other_type(ctx: Ctx) {
    let _ = ctx.wait_for::<OrderPaid>("a").where_eq(OrderPaid::FIELDS.order_id, &7_u32);
}

async fn other_event(ctx: Ctx) {
    let _ = ctx.wait_for::<OrderPaid>("b").same(OrderCancelled::FIELDS.order_id);
}

fn main() {}
