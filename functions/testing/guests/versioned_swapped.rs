//! A later version: the first two steps have changed places.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

testing_guests::versioned!("swapped", |ctx, version| {
    let two = ctx.step("two", async |io| version.ran(&io, "two").await).await?;
    let one = ctx.step("one", async |io| version.ran(&io, "one").await).await?;
    ctx.sleep("nap", version.nap()).await?;
    let three = ctx.step("three", async |io| version.ran(&io, "three").await).await?;
    let four = ctx.step("four", async |io| version.ran(&io, "four").await).await?;
    let five = ctx.step("five", async |io| version.ran(&io, "five").await).await?;
    Ok(vec![one, two, three, four, five])
});
