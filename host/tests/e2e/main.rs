//! The whole program, end to end: a worker process with real components, and a server process.
//!
//! The server is our development engine; with `SYSTEM_BUS_E2E_SERVER=http://host:port` it is the Inngest there (and
//! `SYSTEM_BUS_E2E_SIGNING_KEY` and `SYSTEM_BUS_E2E_EVENT_KEY` when it was started with keys).

#[path = "../support/collector.rs"]
mod collector;
#[path = "../support/counter.rs"]
mod counter;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/server.rs"]
mod server;
#[path = "../../registry/tests/oci/shelf.rs"]
#[allow(dead_code, reason = "tests of registries ask for more")]
mod shelf;
#[path = "../drill/store.rs"]
#[allow(dead_code, reason = "the drills ask for more")]
mod store;
#[path = "../suite/suite.rs"]
mod suite;

mod changed_code;
mod clustered;
mod deployed;
mod documented;
mod foreign;
mod loops;
mod operated;
mod recorded;
mod recovery;
mod settings;
mod traced;
mod ways;

use self::patience::{PATIENCE, eventually};
use self::process::{Process, folder_of, free_address};
use self::server::{Mode, Server};

/// One app, one worker at a time on a server that all tests share.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A turn on the server: at once where each test has a server of its own.
async fn turn() -> Option<tokio::sync::MutexGuard<'static, ()>> {
    match server::other_server() {
        Some(_) => Some(TURN.lock().await),
        None => None,
    }
}

/// A worker with the guests that take steps.
async fn worker(server: &Server) -> (Process, tempfile::TempDir) {
    let components = folder_of(&[guests::STEPS]);
    let worker = server.worker(&components, free_address()).await;
    (worker, components)
}
