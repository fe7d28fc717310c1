//! Two functions of `steps.rs` in a later version: one with a step of another name, one without a step it had.
#![cfg(target_family = "wasm")]
#![no_main]

use futures::join;
use system_bus_sdk::prelude::*;
use testing_guests::Asked;

/// The third step has another name.
#[function(id = "five", on("testing/five.requested"), retries = 4)]
async fn five(ctx: Ctx, event: Incoming<Asked>) -> Result<Vec<u32>> {
    let asked = &event.data;
    let mut numbers = Vec::new();
    numbers.push(ctx.step("one", async |io| asked.ran(&io, "one").await.map(|()| 1)).await?);
    numbers.push(ctx.step("two", async |io| asked.ran(&io, "two").await.map(|()| 2)).await?);
    numbers.push(ctx.step("drei", async |io| asked.ran(&io, "drei").await.map(|()| 3)).await?);
    numbers.push(ctx.step("four", async |io| asked.ran(&io, "four").await.map(|()| 4)).await?);
    numbers.push(ctx.step("five", async |io| asked.ran(&io, "five").await.map(|()| 5)).await?);
    Ok(numbers)
}

/// The second of three siblings is gone.
#[function(id = "parallel", on("testing/parallel.requested"), retries = 4)]
async fn parallel(ctx: Ctx, event: Incoming<Asked>) -> Result<u32> {
    let asked = &event.data;
    let (a, c) = join!(
        ctx.step("a", async |io| asked.ran(&io, "a").await.map(|()| 1)),
        ctx.step("c", async |io| asked.ran(&io, "c").await.map(|()| 3)),
    );
    let sum = a? + c?;
    ctx.step("sum", async |io| asked.ran(&io, "sum").await.map(|()| sum)).await
}

system_bus_sdk::component![five, parallel];
