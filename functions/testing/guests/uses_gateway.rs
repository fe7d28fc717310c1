//! What components tell people.
#![cfg(target_family = "wasm")]
#![no_main]

use serde_json::json;
use system_bus_sdk::gateway::Pushed;
use system_bus_sdk::guest::bindings::system_bus::durable::gateway as raw;
use system_bus_sdk::prelude::*;

fn words(pushed: &Pushed) -> Value {
    json!({
        "pushed": pushed.pushed,
        "queued": pushed.queued,
        "id": pushed.event_id,
        "kind": pushed.kind,
        "origin": pushed.origin_session,
        "error": pushed.error,
    })
}

/// Tells one of each.
#[function(id = "tells", on("testing/gateway.asked"), retries = 4)]
async fn tells(ctx: Ctx, _event: Incoming<Value>) -> Result<Vec<Value>> {
    ctx.step("tell", async |io: Io| {
        let gateway = io.gateway();
        Ok(vec![
            words(&gateway.progress("halfway", &json!({ "percent": 50 }))),
            words(&gateway.notify("order.shipped", &json!({ "order": 7 }))),
            words(&gateway.alert("on fire", &())),
        ])
    })
    .await
}

/// Tells what the event says, as it is written there, and as often.
#[function(id = "notifies", on("testing/gateway.asked"), retries = 4)]
async fn notifies(ctx: Ctx, event: Incoming<Value>) -> Result<bool> {
    let text = |name: &str| event.data[name].as_str().unwrap_or_default().to_owned();
    ctx.step("notify", async |_io| {
        let mut all = true;
        for _ in 0..event.data["count"].as_u64().unwrap_or(1) {
            let pushed = match text("kind").as_str() {
                "progress" => raw::progress(&text("message"), &text("payload")),
                kind => raw::notify(kind, &text("payload")),
            };
            all &= pushed.pushed;
        }
        Ok(all)
    })
    .await
}

/// Tells in two steps.
#[function(id = "twice", on("testing/gateway.asked"), retries = 4)]
async fn twice(ctx: Ctx, _event: Incoming<Value>) -> Result<Vec<Value>> {
    let first = ctx.step("a", async |io: Io| Ok(words(&io.gateway().progress("a", &())))).await?;
    let second = ctx.step("b", async |io: Io| Ok(words(&io.gateway().progress("a", &())))).await?;
    Ok(vec![first, second])
}

/// Tells what cannot be told.
#[function(id = "untellable", on("testing/gateway.asked"), retries = 4)]
async fn untellable(ctx: Ctx, _event: Incoming<Value>) -> Result<Vec<Value>> {
    ctx.step("tell", async |io: Io| {
        let far = io.gateway().progress(&"x".repeat(1 << 20), &());
        let list = raw::notify("kind", "[1]");
        Ok(vec![words(&far), json!({ "pushed": list.pushed, "error": list.error })])
    })
    .await
}

/// Tells where no step runs.
#[function(id = "outside", on("testing/gateway.asked"), retries = 4)]
async fn outside(_ctx: Ctx, _event: Incoming<Value>) -> Result<bool> {
    Ok(raw::alert("now", "").pushed)
}

system_bus_sdk::component![tells, notifies, twice, untellable, outside];
