//! What a call over HTTP costs the worker's process, beside a handler in plain Rust that does the same without a
//! component: [`plain`].
//!
//! Both servers are child processes of this one, which sends the load and reads the CPU time of theirs: the load's own
//! work is in no figure. The load never sleeps: waking the receiver of a reply would be charged to the sender, and the
//! more of it the slower the server is, while replies that leave the machine wake nobody on it. Windows of the two
//! alternate, and a ratio is the median of the ratios of neighbours, so that whatever else the machine does touches both.
//!
//! `cargo bench -p worker --bench http`

#![allow(clippy::print_stdout, reason = "it reports to a terminal")]

#[path = "../../tests/support/deployed.rs"]
mod deployed;
mod load;
mod plain;
mod process;
mod serve;

use std::time::Duration;

use jiff::Timestamp;
use protocol::signature::{Keys, SigningKey, Trust};

use crate::load::Load;
use crate::process::Server;

#[path = "../../../benches/fixture/fixture.rs"]
mod fixture;

/// How often each pair of windows is measured.
const ROUNDS: usize = 7;

/// How long one window is.
const WINDOW: Duration = Duration::from_millis(400);

const CONNECTIONS: [usize; 2] = [1, 64];

/// Which of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Worker,
    Plain,
}

/// Whether calls are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Signed,
    Dev,
}

impl Mode {
    fn key(self) -> Option<SigningKey> {
        (self == Self::Signed).then(|| {
            SigningKey::parse("signkey-test-0123456789abcdef0123456789abcdef").expect("a key")
        })
    }

    fn trust(self) -> Trust {
        match self.key() {
            Some(primary) => Trust::Signed(Keys { primary, fallback: None }),
            None => Trust::Dev,
        }
    }
}

fn main() {
    if let Some((kind, mode)) = process::asked_to_serve() {
        return serve::run(kind, mode);
    }
    let tokio = load::runtime();
    println!(
        "CPU time of the server's process per call: median of {ROUNDS} windows of {WINDOW:?} each\n\n\
         | calls | connections | memos | worker / plain | worker | plain | worker | plain |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for mode in [Mode::Signed, Mode::Dev] {
        let worker = Server::start(Kind::Worker, mode);
        let plain = Server::start(Kind::Plain, mode);
        for connections in CONNECTIONS {
            for memos in fixture::MEMOS {
                let row = tokio.block_on(row(&worker, &plain, mode, connections, memos));
                println!("{row}");
            }
        }
    }
}

/// Measures one row of the table.
async fn row(
    worker: &Server,
    plain: &Server,
    mode: Mode,
    connections: usize,
    memos: usize,
) -> String {
    let body = fixture::body(memos);
    let (mut ratios, mut workers, mut plains) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let header = mode.key().map(|key| key.sign(&body, Timestamp::now()));
        let request = load::request(&fixture::query("replays"), header.as_deref(), &body);
        let load = Load { request: &request, connections, window: WINDOW };
        // Each goes first as often as the other.
        let (one, other) = if round % 2 == 0 {
            let one = load.on(worker).await;
            (one, load.on(plain).await)
        } else {
            let other = load.on(plain).await;
            (load.on(worker).await, other)
        };
        ratios.push(one.micros / other.micros);
        workers.push(one);
        plains.push(other);
    }
    let micros = |all: &[load::Measured]| median(all.iter().map(|one| one.micros));
    let rate = |all: &[load::Measured]| median(all.iter().map(|one| one.a_second));
    format!(
        "| {mode:?} | {connections} | {memos} | {:.2} | {:.1} us | {:.1} us | {:.0}/s | {:.0}/s |",
        median(ratios),
        micros(&workers),
        micros(&plains),
        rate(&workers),
        rate(&plains),
    )
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
