#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.paid")]
struct OrderPaid {}

#[function(id = "f", on(OrderPaid))]
async fn f(_ctx: Ctx, _order: OrderPaid) -> Result<()> {
    Ok(())
}

#[on_failure(of = f, retries = 0)]
async fn never_repeated(_ctx: Ctx, _failed: Failed<OrderPaid>) -> Result<()> {
    Ok(())
}

#[on_failure(retries = 3)]
async fn of_nothing(_ctx: Ctx, _failed: Failed<OrderPaid>) -> Result<()> {
    Ok(())
}

#[on_failure(of = f, on("a/b.c"))]
async fn triggered(_ctx: Ctx, _failed: Failed<OrderPaid>) -> Result<()> {
    Ok(())
}

#[on_failure(of = f)]
async fn of_the_event(_ctx: Ctx, _order: OrderPaid) -> Result<()> {
    Ok(())
}

#[function(id = "g", of = f)]
async fn wrong_attribute(_ctx: Ctx, _order: OrderPaid) -> Result<()> {
    Ok(())
}

fn main() {}
