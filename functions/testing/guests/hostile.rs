//! Functions that break each limit, outside of steps and inside.
#![cfg(target_family = "wasm")]
#![no_main]

use std::hint::black_box;
use std::io::Write;

use system_bus_sdk::prelude::*;
use wasip2::http::types::Fields;

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn recurse(n: u64) -> u64 {
    black_box(recurse(black_box(n + 1))) + 1
}

/// Breaks what the event names, outside of steps.
#[function(id = "breaks", on("testing/breaks.requested"), retries = 4)]
async fn breaks(_ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    break_it(event.data["what"].as_str().unwrap_or_default())
}

/// The same inside of a step.
#[function(id = "breaks-in-step", on("testing/breaks-in-step.requested"), retries = 4)]
async fn breaks_in_step(ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    let what = event.data["what"].as_str().unwrap_or_default();
    ctx.step("break", async |_io| break_it(what)).await
}

fn break_it(what: &str) -> Result<String> {
    match what {
        "loop" => spin(),
        "memory" => {
            let mut all = Vec::new();
            for _ in 0..4096 {
                all.push(black_box(vec![1_u8; 1 << 20]));
            }
            Ok(format!("{} MiB", all.len()))
        }
        "stack" => Ok(recurse(0).to_string()),
        "output" => {
            let line = [b'x'; 4096];
            for _ in 0..4096 {
                std::io::stdout().write_all(&line).retry()?;
            }
            Ok("wrote it all".to_owned())
        }
        "result" => Ok("x".repeat(6 << 20)),
        "host-call" => {
            log::info!("{}", "x".repeat(20 << 20));
            Ok("logged it all".to_owned())
        }
        "log" => {
            for n in 0..5_000 {
                log::info!("line {n}");
            }
            Ok("logged them all".to_owned())
        }
        "handles" => {
            let all: Vec<_> = (0..20_000).map(|_| black_box(Fields::new())).collect();
            Ok(format!("{} headers", all.len()))
        }
        "panic" => panic!("this is the guest's own message"),
        "trap" => std::process::abort(),
        "exit" => std::process::exit(3),
        other => Ok(format!("kept {other:?} whole")),
    }
}

system_bus_sdk::component![breaks, breaks_in_step];
