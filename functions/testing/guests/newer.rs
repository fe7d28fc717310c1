//! The functions of `began.rs` in a later version. What a run of the earlier one has done must not run again here.
#![cfg(target_family = "wasm")]
#![no_main]

use futures::join;
use system_bus_sdk::prelude::*;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest};

/// The body of a step that an earlier version has run.
fn again() -> u32 {
    panic!("a body ran again")
}

/// The second step has another name.
#[function(id = "renamed", on("testing/row.requested"), retries = 4)]
async fn renamed(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    let b = ctx.step("bee", async |_io| Ok(again())).await?;
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    Ok(a + b + c)
}

/// The second step is gone.
#[function(id = "removed", on("testing/row.requested"), retries = 4)]
async fn removed(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    Ok(a + c)
}

/// Something is sent before the second step.
#[function(id = "inserted", on("testing/row.requested"), retries = 4)]
async fn inserted(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    ctx.send("between", Outgoing::named("testing/between.sent", &Value::Null)).await?;
    let b = ctx.step("b", async |_io| Ok(again())).await?;
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    Ok(a + b + c)
}

/// The first two have changed places.
#[function(id = "reordered", on("testing/row.requested"), retries = 4)]
async fn reordered(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let b = ctx.step("b", async |_io| Ok(again())).await?;
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    Ok(a + b + c)
}

/// The second is a text now, and nobody looks at what comes of it.
#[function(id = "retyped", on("testing/row.requested"), retries = 4)]
async fn retyped(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    let b = ctx.step("b", async |_io| Ok(again().to_string())).await.ok();
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    Ok(a + c + b.map_or(100, |_| 0))
}

/// The second is a sleep now.
#[function(id = "rekinded", on("testing/row.requested"), retries = 4)]
async fn rekinded(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    ctx.sleep("b", Duration::from_secs(1)).await?;
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    Ok(a + c)
}

/// Panics between two steps.
#[function(id = "panics", on("testing/row.requested"), retries = 4)]
async fn panics(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    assert!(a > 1, "one is not enough");
    ctx.step("b", async |_io| Ok(again())).await
}

/// Asks the network between two steps.
#[function(id = "looks-out", on("testing/row.requested"), retries = 4)]
async fn looks_out(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.step("a", async |_io| Ok(again())).await?;
    let _ = outgoing_handler::handle(OutgoingRequest::new(Fields::new()), None);
    ctx.step("b", async |_io| Ok(again())).await
}

/// The second has another name and says so.
#[function(
    id = "aliased",
    on("testing/row.requested"),
    retries = 4,
    mode = "pinned",
    role = "host"
)]
async fn aliased(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    let b = ctx.step("bee", async |_io| Ok(20)).alias("b").await?;
    let c = ctx.step("c", async |_io| Ok(30)).await?;
    Ok(a + b + c)
}

/// There is a fourth.
#[function(id = "extended", on("testing/row.requested"), retries = 4)]
async fn extended(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    let b = ctx.step("b", async |_io| Ok(again())).await?;
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    ctx.step("d", async |_io| Ok(a + b + c)).await
}

/// Something is sent at the end.
#[function(id = "sends", on("testing/row.requested"), retries = 4)]
async fn sends(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let a = ctx.step("a", async |_io| Ok(again())).await?;
    let b = ctx.step("b", async |_io| Ok(again())).await?;
    let c = ctx.step("c", async |_io| Ok(again())).await?;
    ctx.send("tell", Outgoing::named("testing/row.done", &serde_json::json!({}))).await?;
    Ok(a + b + c)
}

/// One sibling has another name.
#[function(id = "siblings", on("testing/row.requested"), retries = 4)]
async fn siblings(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let (a, b) =
        join!(ctx.step("a", async |_io| Ok(again())), ctx.step("bee", async |_io| Ok(again())));
    Ok(a? + b?)
}

/// One sibling has another name and says so; its key belongs to both.
#[function(id = "aliased-siblings", on("testing/row.requested"), retries = 4)]
async fn aliased_siblings(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    let (a, b) = join!(
        ctx.step("a", async |_io| Ok(again())),
        ctx.step("bee", async |_io| Ok(20_u32)).key(7).alias("b"),
    );
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
