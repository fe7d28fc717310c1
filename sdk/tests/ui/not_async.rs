#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("shop/order.paid"))]
fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
