//! A later version: the second step has another name, and says what it was called before.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

testing_guests::versioned!("alias", |ctx, version| {
    let one = ctx.step("one", async |io| version.ran(&io, "one").await).await?;
    let two = ctx.step("second", async |io| version.ran(&io, "second").await).alias("two").await?;
    ctx.sleep("nap", version.nap()).await?;
    let three = ctx.step("three", async |io| version.ran(&io, "three").await).await?;
    let four = ctx.step("four", async |io| version.ran(&io, "four").await).await?;
    let five = ctx.step("five", async |io| version.ran(&io, "five").await).await?;
    Ok(vec![one, two, three, four, five])
});
