//! Whether memory stays flat: 100,000 calls of every kind in this process, 32 at a time, with the resident memory after
//! every 10,000. Ends with an error when it has grown by more than [`BOUND`] since the first 10,000.
//!
//! `cargo bench -p runtime --bench memory`

#![allow(clippy::print_stdout, reason = "it reports to a terminal")]

use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::id::FunctionId;
use protocol::replay::Rigour;
use protocol::signature::{Trust, verify};
use runtime::{Component, Limits, Runtime};
use tokio::task::JoinSet;

#[expect(dead_code, reason = "the sizes are for those that measure time")]
#[path = "../../benches/fixture/fixture.rs"]
mod fixture;
#[path = "../../benches/fixture/nobody.rs"]
mod nobody;

use self::nobody::Nobody;

/// How much the resident memory may grow after the first 10,000 calls, in KiB. A leak of a hundred bytes a call shows.
const BOUND: u64 = 8 * 1024;

const ROUNDS: usize = 10;
const CALLS: usize = 10_000;
const AT_ONCE: usize = 32;

/// Function, memos, and the target of the call: a result, ops, a body that ran, and a failure.
const KINDS: [(&str, usize, bool); 4] =
    [("noop", 0, false), ("replays", 10, false), ("runs", 0, false), ("replays", 100, true)];

fn call(kind: usize) -> (FunctionId, Arc<Call>) {
    let (function, memos, lost) = KINDS[kind % KINDS.len()];
    let body = Bytes::from(fixture::body(memos));
    let verified = verify(None, body, Timestamp::now(), &Trust::Dev).expect("a development server");
    let query = fixture::query(function);
    let query = if lost { query.replace("=step", &format!("={}", "0".repeat(40))) } else { query };
    let route = Route::parse(&query).expect("a route");
    let call = Call::decode(route, &verified).expect("a call");
    (function.parse().expect("an id"), Arc::new(call))
}

/// The resident memory of this process in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

async fn round(component: &Arc<Component>) {
    let mut tasks = JoinSet::new();
    for lane in 0..AT_ONCE {
        let component = Arc::clone(component);
        tasks.spawn(async move {
            for n in (lane..CALLS).step_by(AT_ONCE) {
                let (function, call) = call(n);
                component
                    .invoke(&function, call, Nobody::here(), Rigour::Lenient)
                    .await
                    .expect("it runs");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no panic");
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let engine = Runtime::new(Limits::default(), Vec::new()).expect("an engine");
    let bytes = std::fs::read(guests::BENCH).expect("a built guest");
    let component = Component::load(&engine, "bench", bytes).await.expect("a component");
    println!("{:>7} calls: {:>7} KiB", 0, resident());
    let (mut warm, mut last) = (0, 0);
    for n in 1..=ROUNDS {
        round(&component).await;
        last = resident();
        if n == 1 {
            warm = last;
        }
        println!("{:>7} calls: {last:>7} KiB", n * CALLS);
    }
    let grown = last.saturating_sub(warm);
    println!("grown by {grown} KiB since the first {CALLS}; the bound is {BOUND}");
    if grown > BOUND { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
