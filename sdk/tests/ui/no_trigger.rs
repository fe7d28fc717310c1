#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f")]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
