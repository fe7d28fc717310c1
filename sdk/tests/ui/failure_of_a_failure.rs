#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("a/b.c"))]
async fn f(_ctx: Ctx, _event: ()) -> Result<()> {
    Ok(())
}

#[on_failure(of = f)]
async fn first(_ctx: Ctx, _failed: Failed<Value>) -> Result<()> {
    Ok(())
}

#[on_failure(of = first)]
async fn second(_ctx: Ctx, _failed: Failed<Value>) -> Result<()> {
    Ok(())
}

fn main() {}
