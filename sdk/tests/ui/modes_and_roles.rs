#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "a", on("shop/order.paid"), mode = "newest")]
async fn a(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(id = "b", on("shop/order.paid"), role = "cluster")]
async fn b(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

#[function(id = "c", on("shop/order.paid"), mode = "pinned", mode = "pinned", role("host"))]
async fn c(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
