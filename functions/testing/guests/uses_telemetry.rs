//! Keeps records of what it does, logs and prints; too much of it, and what nobody may read.
#![cfg(target_family = "wasm")]
#![no_main]

use std::io::Write as _;

use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;

/// Records outside of steps, inside of one, and a failure.
#[function(id = "records", on("testing/telemetry.requested"), retries = 4)]
async fn records(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.record("before").done();
    let answer = ctx
        .step("probe", async |io| {
            let span = io.span("connecting");
            io.record("probe.redis")
                .component("health-check")
                .took(Duration::from_millis(12))
                .with("port", 6379)
                .done();
            span.failed("refused");
            io.record("probe.disk").level(Level::Fatal).failed("full");
            Ok(1)
        })
        .await?;
    ctx.record("after").done();
    Ok(answer)
}

/// Records the same over and over, and leaves spans open.
#[function(id = "floods", on("testing/telemetry.requested"), retries = 4)]
async fn floods(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.step("flood", async |io| {
        for number in 0..2000 {
            io.record("small-thing").level(Level::Debug).with("number", number).done();
            std::mem::forget(io.span("left open"));
        }
        Ok(2000)
    })
    .await
}

/// Says things that are no record: nothing of it fails.
#[function(id = "mumbles", on("testing/telemetry.requested"), retries = 4)]
async fn mumbles(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.step("mumble", async |io| {
        io.record("").failed("");
        io.record("long").with("text", "x".repeat(100_000)).done();
        io.record("forged").with("run", "another").with("function", "another").done();
        Ok(3)
    })
    .await
}

/// Speaks in every way there is, before, in and after a step.
#[function(id = "speaks", on("testing/telemetry.requested"), retries = 4)]
async fn speaks(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    log::info!("logged before");
    println!("printed before");
    ctx.step("say", async |_io| {
        log::trace!("at trace");
        log::debug!("at debug");
        log::info!("at info");
        log::warn!("at warn");
        log::error!("at error");
        println!("printed\r\nin two lines");
        eprintln!("to the other stream");
        print!("without an end");
        Ok(())
    })
    .await?;
    log::info!("logged between");
    ctx.step("again", async |_io| Ok(())).await?;
    print!("printed after");
    Ok(4)
}

/// Says what looks like more than one line, or like somebody else's, and what is far too long.
#[function(id = "forges", on("testing/telemetry.requested"), retries = 4)]
async fn forges(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.step("forge", async |io| {
        log::info!("well\n2026-01-01T00:00:00Z ERROR worker: all is lost\u{1b}[2J");
        println!("well\r2026-01-01T00:00:00Z ERROR worker: all is lost\u{1b}[2J\u{202e}");
        io.record("well\n2026-01-01T00:00:00Z ERROR worker: all is lost\u{1b}[2J").done();
        log::info!("{}", "é".repeat(20_000));
        println!("{}", "🦀".repeat(20_000));
        Ok(5)
    })
    .await
}

/// Logs and prints far more than anybody reads.
#[function(id = "babbles", on("testing/telemetry.requested"), retries = 4)]
async fn babbles(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    log::info!("before");
    ctx.step("babble", async |io| {
        for number in 0..3000 {
            log::info!("logged {number}");
            println!("printed {number}");
            io.record("small-thing").with("number", number).done();
        }
        Ok(6000)
    })
    .await
}

/// Leaves spans open, one within another, and goes on in another step.
#[function(id = "leaves-spans", on("testing/telemetry.requested"), retries = 4)]
async fn leaves_spans(ctx: Ctx, _event: Incoming<Value>) -> Result<u32> {
    ctx.step("first", async |io| {
        std::mem::forget(io.span("outer"));
        std::mem::forget(io.span("inner"));
        io.record("within").done();
        log::info!("within");
        Ok(())
    })
    .await?;
    ctx.step("second", async |io| {
        io.record("apart").done();
        Ok(2)
    })
    .await
}

/// Tells a secret that it was given in every way there is.
#[function(id = "tells", on("testing/telemetry.requested"), retries = 4)]
async fn tells(ctx: Ctx, event: Incoming<Value>) -> Result<u32> {
    let way = event.data["way"].as_str().unwrap_or_default();
    let secret = event.data["secret"].as_str().unwrap_or_default();
    if way == "outside" {
        log::info!("it is {secret}");
        print!("it is {secret}");
    }
    ctx.step("tell", async |io| {
        let (begin, end) = secret.split_at(secret.len() / 2);
        match way {
            "log" => log::info!("it is {secret}"),
            "print" => println!("it is {secret}"),
            "print-to-the-other" => eprintln!("it is {secret}"),
            "print-in-pieces" => {
                for piece in ["it is ", begin, end, "\n"] {
                    print!("{piece}");
                    std::io::stdout().flush().stop()?;
                }
            }
            "print-far-behind" => println!("{}it is {secret}", ".".repeat(8 * 1024 - 8)),
            "record" => io.record(secret).component(secret).with(secret, secret).failed(secret),
            "span" => {
                let span = io.span(secret);
                io.record("within").done();
                span.failed(secret);
            }
            "panic" => panic!("it is {secret}"),
            "trap" => {
                eprint!("it is {secret}");
                std::process::abort()
            }
            "fail" => return Err(Error::stop(format!("it is {secret}")).named(secret.to_owned())),
            _ => {}
        }
        Ok(7)
    })
    .await
}

system_bus_sdk::component![records, floods, mumbles, speaks, forges, babbles, leaves_spans, tells];
