#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("a/b.c"))]
async fn f(_ctx: Ctx, _event: ()) -> Result<()> {
    Ok(())
}

#[function(id = "f-failure", on("a/b.c"))]
async fn other(_ctx: Ctx, _event: ()) -> Result<()> {
    Ok(())
}

#[on_failure(of = f)]
async fn handler(_ctx: Ctx, _failed: Failed<Value>) -> Result<()> {
    Ok(())
}

component![f, other, handler];

fn main() {}
