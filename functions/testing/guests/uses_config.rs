//! A function that reads its settings, in a step and outside of one.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

/// What is asked for.
#[derive(Deserialize)]
struct Asked {
    key: String,
}

#[function(id = "reads", on("testing/secret.asked"), retries = 4)]
async fn reads(ctx: Ctx, event: Incoming<Asked>) -> Result<(Option<String>, Option<String>)> {
    let key = &event.data.key;
    let within = ctx.step("within", async |io| Ok(io.config(key))).await?;
    Ok((ctx.config(key), within))
}

system_bus_sdk::component![reads];
