//! The functions that Inngest's conformance runner expects of an SDK (`inngest alpha conformance run`).
//!
//! It compares replies member by member, so the words here are its words. Where it wants an attempt to fail, the
//! attempt's number decides: nothing lives in a component between two calls.
#![cfg(target_family = "wasm")]
#![no_main]

use serde_json::json;
use system_bus_sdk::prelude::*;

/// What the functions end with, but for one.
fn ok(name: &str) -> Value {
    json!({ "name": name, "body": "ok" })
}

/// A result without steps.
#[function(id = "test-suite-simple-fn", on("tests/function.test"), checkpoint = "off")]
async fn simple(_ctx: Ctx, _event: Incoming<Value>) -> Result<Value> {
    Ok(ok("tests/function.test"))
}

/// Two steps and a sleep between them.
#[function(id = "test-suite-step-test", on("tests/step.test"), checkpoint = "off")]
async fn steps(ctx: Ctx, _event: Incoming<Value>) -> Result<Value> {
    let first = ctx.step("first step", async |_io| Ok("first step".to_owned())).await?;
    ctx.sleep("sleep", Duration::from_secs(2)).await?;
    ctx.step("second step", async |_io| Ok(json!({ "first": first, "second": true }))).await?;
    Ok(ok("tests/step.test"))
}

/// A step that fails once, in a function that then fails once.
#[function(id = "test-suite-retry-test", on("tests/retry.test"), checkpoint = "off")]
async fn retry(ctx: Ctx, _event: Incoming<Value>) -> Result<Value> {
    let is_first = ctx.attempt() == 0;
    ctx.step("first step", async |_io| {
        if is_first { Err(Error::retry("broken")) } else { Ok("yes: 2".to_owned()) }
    })
    .await?;
    if is_first {
        return Err(Error::retry("broken func"));
    }
    Ok(ok("tests/retry.test"))
}

/// A sleep that an event cuts short.
#[function(
    id = "test-suite-cancel-test",
    on("tests/cancel.test"),
    cancel_on("cancel/please", if = "async.data.request_id == event.data.request_id"),
    checkpoint = "off"
)]
async fn cancel(ctx: Ctx, _event: Incoming<Value>) -> Result<Value> {
    ctx.sleep("sleep", Duration::from_secs(10)).await?;
    ctx.step("After the sleep", async |_io| Ok(0)).await?;
    Ok(ok("tests/cancel.test"))
}

/// A wait for one event of several.
#[function(id = "test-suite-wait-for-event", on("tests/wait.test"), checkpoint = "off")]
async fn wait(ctx: Ctx, _event: Incoming<Value>) -> Result<Value> {
    let resumed = ctx
        .wait_for_event::<Value>("wait", "test/resume")
        .matching("async.data.resume == true && async.data.id == event.data.id")
        .timeout(Duration::from_secs(10))
        .await?;
    Ok(resumed.map_or_else(|| json!({}), |event| json!({ "result": event.data })))
}

system_bus_sdk::component![simple, steps, retry, cancel, wait];
