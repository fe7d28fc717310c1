#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("shop/order.paid"))]
async fn one(ctx: Ctx) -> Result<u32> {
    Ok(1)
}

#[function(id = "f", on("shop/order.paid"))]
async fn no_result(ctx: Ctx, event: Value) {}

#[function(id = "f", on("shop/order.paid"))]
async fn by_reference(ctx: &Ctx, event: Value) -> Result<u32> {
    Ok(1)
}

#[function(id = "f", on("shop/order.paid"))]
async fn generic<T>(ctx: Ctx, event: T) -> Result<u32> {
    Ok(1)
}

fn main() {}
