//! Functions as they were when their runs began; `newer.rs` has a later version of each.
#![cfg(target_family = "wasm")]
#![no_main]

use futures::join;
use system_bus_sdk::prelude::*;

async fn row(ctx: Ctx) -> Result<u32> {
    let a: u32 = ctx.step("a", async |_io| Ok(1)).await?;
    let b: u32 = ctx.step("b", async |_io| Ok(2)).await?;
    let c: u32 = ctx.step("c", async |_io| Ok(3)).await?;
    Ok(a + b + c)
}

macro_rules! rows {
    ($($name:ident = $id:literal),*) => {$(
        #[function(id = $id, on("testing/row.requested"), retries = 4)]
        async fn $name(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
            row(ctx).await
        }
    )*};
}

rows!(
    renamed = "renamed",
    removed = "removed",
    inserted = "inserted",
    reordered = "reordered",
    retyped = "retyped",
    rekinded = "rekinded",
    panics = "panics",
    looks_out = "looks-out",
    aliased = "aliased",
    extended = "extended",
    sends = "sends"
);

/// Siblings, and one step after them.
#[function(id = "siblings", on("testing/row.requested"), retries = 4)]
async fn siblings(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let (a, b) = join!(ctx.step("a", async |_io| Ok(1_u32)), ctx.step("b", async |_io| Ok(2_u32)));
    Ok(a? + b?)
}

/// The same; the later version has an alias for one of them.
#[function(id = "aliased-siblings", on("testing/row.requested"), retries = 4)]
async fn aliased_siblings(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let (a, b) =
        join!(ctx.step("a", async |_io| Ok(1_u32)), ctx.step("b", async |_io| Ok(2_u32)).key(7));
    Ok(a? + b?)
}

system_bus_sdk::component![
    renamed,
    removed,
    inserted,
    reordered,
    retyped,
    rekinded,
    panics,
    looks_out,
    aliased,
    extended,
    sends,
    siblings,
    aliased_siblings
];
