#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", retry = 3)]
async fn f(ctx: Ctx, event: Value) -> Result<Value> {
    Ok(event)
}

fn main() {}
