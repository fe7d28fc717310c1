//! A later version: the second step fails in three of ten runs.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::prelude::*;

testing_guests::versioned!("flaky", |ctx, version| {
    let one = ctx.step("one", async |io| version.ran(&io, "one").await).await?;
    let unlucky = testing_guests::versioned::unlucky(ctx.run_id(), 30);
    let two = ctx
        .step("two", async |io| {
            let ran = version.ran(&io, "two").await?;
            if unlucky { Err(Error::retry("this run is one of the three in ten")) } else { Ok(ran) }
        })
        .await?;
    ctx.sleep("nap", version.nap()).await?;
    let three = ctx.step("three", async |io| version.ran(&io, "three").await).await?;
    let four = ctx.step("four", async |io| version.ran(&io, "four").await).await?;
    let five = ctx.step("five", async |io| version.ran(&io, "five").await).await?;
    Ok(vec![one, two, three, four, five])
});
