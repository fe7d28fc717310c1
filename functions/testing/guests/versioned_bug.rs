//! A version with a bug: the third step never succeeds.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

testing_guests::versioned!("bug", |ctx, version| {
    let one = ctx.step("one", async |io| version.ran(&io, "one").await).await?;
    let two = ctx.step("two", async |io| version.ran(&io, "two").await).await?;
    ctx.sleep("nap", version.nap()).await?;
    let three = ctx
        .step("three", async |io| -> Result<String> {
            version.ran(&io, "three").await?;
            Err(Error::retry("this is the bug"))
        })
        .await?;
    let four = ctx.step("four", async |io| version.ran(&io, "four").await).await?;
    let five = ctx.step("five", async |io| version.ran(&io, "five").await).await?;
    Ok(vec![one, two, three, four, five])
});
