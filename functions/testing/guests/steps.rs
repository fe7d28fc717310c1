//! Functions with every kind of step, for tests that count how often a body runs.
#![cfg(target_family = "wasm")]
#![no_main]

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{future, join};
use system_bus_sdk::prelude::*;
use testing_guests::Asked;

/// Five steps, one after another.
#[function(id = "five", on("testing/five.requested"), retries = 4)]
async fn five(ctx: Ctx, event: Incoming<Asked>) -> Result<Vec<u32>> {
    let asked = &event.data;
    let mut numbers = Vec::new();
    numbers.push(ctx.step("one", async |io| asked.ran(&io, "one").await.map(|()| 1)).await?);
    numbers.push(ctx.step("two", async |io| asked.ran(&io, "two").await.map(|()| 2)).await?);
    numbers.push(ctx.step("three", async |io| asked.ran(&io, "three").await.map(|()| 3)).await?);
    numbers.push(ctx.step("four", async |io| asked.ran(&io, "four").await.map(|()| 4)).await?);
    numbers.push(ctx.step("five", async |io| asked.ran(&io, "five").await.map(|()| 5)).await?);
    Ok(numbers)
}

/// Three steps side by side, then one that needs all of them.
#[function(id = "parallel", on("testing/parallel.requested"), retries = 4)]
async fn parallel(ctx: Ctx, event: Incoming<Asked>) -> Result<u32> {
    let asked = &event.data;
    let (a, b, c) = join!(
        ctx.step("a", async |io| asked.ran(&io, "a").await.map(|()| 1)),
        ctx.step("b", async |io| asked.ran(&io, "b").await.map(|()| 2)),
        ctx.step("c", async |io| asked.ran(&io, "c").await.map(|()| 3)),
    );
    let sum = a? + b? + c?;
    ctx.step("sum", async |io| asked.ran(&io, "sum").await.map(|()| sum)).await
}

/// Keyed steps in the order in which they end.
#[function(id = "unordered", on("testing/unordered.requested"), retries = 4)]
async fn unordered(ctx: Ctx, _event: Incoming<Value>) -> Result<Vec<u32>> {
    let mut steps: FuturesUnordered<_> =
        (0_u32..3).map(|n| ctx.step("item", async move |_io| Ok(n)).key(n)).collect();
    let mut order = Vec::new();
    while let Some(item) = steps.next().await {
        order.push(item?);
    }
    Ok(order)
}

/// A sleep between two steps.
#[function(id = "slept", on("testing/slept.requested"), retries = 4)]
async fn slept(ctx: Ctx, event: Incoming<Asked>) -> Result<&'static str> {
    let asked = &event.data;
    ctx.step("before", async |io| asked.ran(&io, "before").await).await?;
    ctx.sleep("nap", Duration::from_millis(asked.wait.max(1))).await?;
    ctx.step("after", async |io| asked.ran(&io, "after").await).await?;
    Ok("rested")
}

/// A step that fails as often as the event says, then succeeds.
#[function(id = "retried", on("testing/retried.requested"), retries = 4)]
async fn retried(ctx: Ctx, event: Incoming<Asked>) -> Result<u32> {
    let asked = &event.data;
    let attempt = ctx.attempt();
    ctx.step("flaky", async |io| {
        asked.ran(&io, "flaky").await?;
        if attempt < asked.failures {
            return Err(Error::retry_after("not yet", Duration::from_secs(1)));
        }
        Ok(attempt)
    })
    .await
}

/// A step that fails for good, and code that goes on.
#[function(id = "caught", on("testing/caught.requested"), retries = 4)]
async fn caught(ctx: Ctx, event: Incoming<Asked>) -> Result<String> {
    let asked = &event.data;
    let failed = ctx
        .step("doomed", async |io| -> Result<()> {
            asked.ran(&io, "doomed").await?;
            Err(Error::stop("no use").named("Doomed"))
        })
        .await;
    let Err(error) = failed else { return Err(Error::stop("the step should have failed")) };
    ctx.step("rescue", async |io| asked.ran(&io, "rescue").await).await?;
    Ok(format!("{}: {}", error.name(), error.message()))
}

/// A step's failure that nobody catches.
#[function(id = "uncaught", on("testing/uncaught.requested"), retries = 4)]
async fn uncaught(ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    ctx.step("doomed", async |_io| Err(Error::stop("no use").named("Doomed"))).await
}

#[derive(Event, Serialize, Deserialize)]
#[event("testing/five.requested")]
struct FiveRequested {
    count: Option<String>,
}

/// An event sent from a step.
#[function(id = "sends", on("testing/sends.requested"), retries = 4)]
async fn sends(ctx: Ctx, event: Incoming<Asked>) -> Result<usize> {
    let ids = ctx.send_all("tell", [FiveRequested { count: event.data.count.clone() }]).await?;
    Ok(ids.len())
}

#[derive(Event, Serialize, Deserialize)]
#[event("testing/whispers.requested")]
struct Whispered {
    open: String,
    encrypted: String,
}

/// An event with a part that the server shall not read, sent on.
#[function(id = "whispers", on(Whispered), retries = 4)]
async fn whispers(ctx: Ctx, event: Incoming<Whispered>) -> Result<()> {
    ctx.send("tell", event.data).await?;
    Ok(())
}

/// Sends beside a step, so that the sending is planned first.
#[function(id = "sends-beside", on("testing/sends-beside.requested"), retries = 4)]
async fn sends_beside(ctx: Ctx, event: Incoming<Asked>) -> Result<bool> {
    let asked = &event.data;
    let (sent, ran) = future::join(
        ctx.send("tell", FiveRequested { count: None }),
        ctx.step("work", async |io| asked.ran(&io, "work").await),
    )
    .await;
    ran?;
    Ok(!sent?.is_empty())
}

/// Two requests of one body, at the same time.
#[function(id = "overlaps", on("testing/overlaps.requested"), retries = 4)]
async fn overlaps(ctx: Ctx, event: Incoming<Asked>) -> Result<()> {
    let asked = &event.data;
    ctx.step("both", async |io| {
        let (left, right) = future::join(asked.ran(&io, "left"), asked.ran(&io, "right")).await;
        left.and(right)
    })
    .await
}

/// Fails outside of any step.
#[function(id = "fails", on("testing/fails.requested"), retries = 2)]
async fn fails(_ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    Err(Error::retry("nothing works today"))
}

system_bus_sdk::component![
    five,
    parallel,
    unordered,
    slept,
    retried,
    caught,
    uncaught,
    sends,
    sends_beside,
    whispers,
    overlaps,
    fails
];
