#![allow(unused)]

use system_bus_sdk::prelude::*;

#[function(id = "f", on("a/b.c"))]
async fn one(_ctx: Ctx, _event: ()) -> Result<()> {
    Ok(())
}

#[function(id = "f", on("a/b.c"))]
async fn two(_ctx: Ctx, _event: ()) -> Result<()> {
    Ok(())
}

component![one, two];

fn main() {}
