//! A component of which a test makes many that differ: its function's id and its mark are long enough to be overwritten
//! in the finished file.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;
use testing_guests::Asked;
use testing_guests::mark::Mark;

static MARK: Mark = Mark::of("1");

/// Two steps with a sleep between them. Whoever makes the first call of a run learns which version it is: the result of
/// the first step says it.
#[function(
    id = "clonable-0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    on("testing/clonable.requested"),
    retries = 4
)]
async fn clonable(ctx: Ctx, event: Incoming<Asked>) -> Result<String> {
    let asked = &event.data;
    let version = ctx
        .step("before", async |io| asked.ran(&io, "before").await.map(|()| MARK.version()))
        .await?;
    ctx.sleep("nap", Duration::from_millis(asked.wait.max(1))).await?;
    ctx.step("after", async |io| asked.ran(&io, "after").await).await?;
    Ok(version)
}

system_bus_sdk::component![clonable];
