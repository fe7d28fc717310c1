//! How long `crash::everywhere` takes to find a double charge in a function of ten steps. Ends with an error when it has not
//! found it, or has taken longer than [`BOUND`].
//!
//! `cargo bench -p system-bus-testing --bench crashes`

#![allow(clippy::print_stdout, reason = "it reports to a terminal")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use system_bus_sdk::http::Response;
use system_bus_testing::crash;

#[path = "../tests/kit/shop.rs"]
#[allow(dead_code, unreachable_pub, clippy::pedantic, reason = "the tests need more of it")]
mod shop;

use shop::{order, ten_steps};

/// What an author waits for at most.
const BOUND: Duration = Duration::from_secs(2);

const TIMES: usize = 20;

fn main() -> ExitCode {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        let report = crash::everywhere(|kit| {
            kit.http(|_| Ok(Response::new(201)));
            kit.run::<ten_steps>(order("o7"));
        });
        took.push(began.elapsed());
        if report.findings.len() != 1 {
            println!("the planted double charge was not found: {report}");
            return ExitCode::FAILURE;
        }
    }
    took.sort();
    let (median, longest) = (took[TIMES / 2], took[TIMES - 1]);
    println!(
        "ten steps, 30 boundaries, 1 finding, {TIMES} times: median {median:?}, longest {longest:?} (at most {BOUND:?})"
    );
    if longest < BOUND { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
