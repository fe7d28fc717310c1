//! Imports the file system, which hosts have and clusters have not.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

/// Reads the file that the event names.
#[function(id = "reads", on("testing/reads.requested"), retries = 4)]
async fn reads(ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    ctx.step("read", async |_io| read(&event.data["path"])).await
}

/// Reads it where nothing may happen.
#[function(id = "reads-outside", on("testing/reads.requested"), retries = 4)]
async fn reads_outside(_ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    read(&event.data["path"])
}

fn read(path: &Value) -> Result<String> {
    std::fs::read_to_string(path.as_str().unwrap_or_default()).stop()
}

system_bus_sdk::component![reads, reads_outside];
