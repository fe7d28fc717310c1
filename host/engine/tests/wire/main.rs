//! The engine over real sockets, with a worker made for the test.
#![expect(clippy::pedantic, unreachable_pub, reason = "a test binary has no public interface")]

mod checkpoints;
mod client;
mod connect;
mod death;
mod page;
mod readback;
mod routes;
mod runs;
mod state;
mod steps;
mod table;
mod unfinished;
mod worker;

use std::time::Duration;

use engine::Options;

/// In memory, on a free port, with short pauses.
fn options() -> Options {
    Options {
        listen: "127.0.0.1:0".parse().expect("an address"),
        retry_interval: Some(Duration::from_millis(20)),
        ..Options::default()
    }
}
