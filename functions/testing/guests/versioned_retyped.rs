//! A later version: the second step has a result of another type.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

testing_guests::versioned!("retyped", |ctx, version| {
    let one = ctx.step("one", async |io| version.ran(&io, "one").await).await?;
    let two = ctx.step("two", async |io| version.ran(&io, "two").await.map(|_| 2_u32)).await?;
    ctx.sleep("nap", version.nap()).await?;
    let three = ctx.step("three", async |io| version.ran(&io, "three").await).await?;
    let four = ctx.step("four", async |io| version.ran(&io, "four").await).await?;
    let five = ctx.step("five", async |io| version.ran(&io, "five").await).await?;
    Ok(vec![one, two.to_string(), three, four, five])
});
