//! Imports the file system, which hosts have and clusters have not.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

/// Reads a file.
#[function(id = "reads", on("testing/reads.requested"), retries = 4)]
async fn reads(ctx: Ctx, _event: Incoming<Value>) -> Result<String> {
    ctx.step("read", async |_io| std::fs::read_to_string("/etc/hostname").stop()).await
}

/// Reads one where nothing may happen.
#[function(id = "reads-outside", on("testing/reads.requested"), retries = 4)]
async fn reads_outside(_ctx: Ctx, _event: Incoming<Value>) -> Result<String> {
    std::fs::read_to_string("/etc/hostname").stop()
}

system_bus_sdk::component![reads, reads_outside];
