//! What a run of five steps costs, from its event to its end: with steps stored while the function goes on, and with a
//! call for each step; called over HTTP and over Connect.
//!
//! The worker is the program in a process of its own, whose CPU time is read. The development engine is in this process,
//! beside what sends events and waits for ends, so that no run has to be asked for. Windows of the two workers that are
//! compared alternate, and a ratio is the median of the ratios of neighbours, so that whatever else the machine does
//! touches both.
//!
//! `cargo bench -p system-bus --bench run`

#![allow(clippy::print_stdout, reason = "it reports to a terminal")]

mod site;

#[allow(dead_code, reason = "nothing is killed here")]
#[path = "../../tests/support/process.rs"]
mod process;

use std::time::Duration;

use self::site::{Measured, Site};

/// How often each pair of windows is measured.
const ROUNDS: usize = 7;

/// How many runs a window has.
const RUNS: usize = 128;

/// How many runs are under way at once.
const DEPTHS: [usize; 2] = [1, 16];

fn main() {
    // Fails when it has been done, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    tokio.block_on(async {
        println!(
            "A run of five steps: medians of {ROUNDS} windows of {RUNS} runs each. \"Here\" is the CPU time of engine and \
             client.\n\n\
             | transport | runs at once | calls | time of a run | runs a second | worker's CPU | here |\n\
             | --- | ---: | --- | ---: | ---: | ---: | ---: |"
        );
        for transport in ["serve", "connect"] {
            let stored = Site::start(transport, true).await;
            let called = Site::start(transport, false).await;
            for depth in DEPTHS {
                compare(&stored, &called, transport, depth).await;
            }
            stored.stop().await;
            called.stop().await;
        }
    });
}

/// Measures and prints three lines of the table: with checkpoints, without, and the ratio of both.
async fn compare(stored: &Site, called: &Site, transport: &str, depth: usize) {
    for site in [stored, called] {
        // Threads awake, instances warm, connections open.
        site.runs(RUNS / 4, depth).await;
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Each goes first as often as the other.
        if round % 2 == 0 {
            with.push(stored.runs(RUNS, depth).await);
            without.push(called.runs(RUNS, depth).await);
        } else {
            without.push(called.runs(RUNS, depth).await);
            with.push(stored.runs(RUNS, depth).await);
        }
    }
    for (calls, measured) in [("one, with checkpoints", &with), ("one for each step", &without)] {
        let of = |what: fn(&Measured) -> f64| median(measured.iter().map(what));
        println!(
            "| {transport} | {depth} | {calls} | {:.2} ms | {:.0} | {:.2} ms | {:.2} ms |",
            of(|one| millis(one.took)),
            of(|one| one.a_second),
            of(|one| millis(one.worker)),
            of(|one| millis(one.here)),
        );
    }
    let ratio = |what: fn(&Measured) -> f64| {
        median(without.iter().zip(&with).map(|(without, with)| what(without) / what(with)))
    };
    println!(
        "| {transport} | {depth} | without / with | {:.2} | {:.2} | {:.2} | {:.2} |",
        ratio(|one| millis(one.took)),
        ratio(|one| one.a_second),
        ratio(|one| millis(one.worker)),
        ratio(|one| millis(one.here)),
    );
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
