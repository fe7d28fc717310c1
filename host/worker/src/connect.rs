//! Connect: the worker dials its server, and calls arrive over that socket. No port needs to be open to the server.
//!
//! Everything runs on a thread of its own, so that no code of a function, however busy, keeps the connection from its
//! heartbeats and leases. The calls themselves run on the threads of the program.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`options`] | what a worker that connects is told |
//! | `desk` | owns connections, calls and replies, and decides |
//! | `told` | what a connection announces |
//! | `line` | one connection: start call, handshake, heartbeats; a task that reads and one that writes |
//! | `work` | runs the calls |
//! | `flush` | replies that no socket took, by HTTP |
//! | `journal` | calls that were taken, for the case that the process is killed |

mod desk;
mod flush;
mod journal;
mod line;
pub mod options;
mod told;
mod work;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::sync::Announced;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::desk::{Desk, Setup};
use self::journal::Journal;
use self::line::{Announcement, Dialler};
use self::work::Work;
use crate::StartError;
use crate::drain::Drain;
use crate::handle::Worker;
use crate::server_api::ServerApi;
use crate::sync::{Owners, Payloads, SyncState};

pub use self::journal::JournalError;
pub use self::options::{ConnectOptions, InstanceId, InstanceIdError, Transport};

/// How much longer than its own time for stopping the thread may take.
const GRACE: Duration = Duration::from_secs(6);

/// A worker's connection to its server.
#[derive(Debug)]
pub(crate) struct Connecting {
    stop: CancellationToken,
    /// Stops the desk, also when this is dropped without a word.
    _stop: DropGuard,
    drain: Duration,
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Connecting {
    /// Begins to connect, with what is announced now and later. Must be called on the runtime that is to run the calls.
    pub(crate) fn start(
        worker: &Arc<Worker>,
        options: ConnectOptions,
        announced: watch::Receiver<Arc<Announced>>,
        drain: Drain,
    ) -> Result<(Self, watch::Receiver<SyncState>), StartError> {
        let of = &worker.options;
        let (journal, left) = match &options.state_dir {
            None => (None, Vec::new()),
            Some(dir) => {
                let (journal, left) =
                    Journal::open(dir, &options.instance).map_err(StartError::Journal)?;
                (Some(journal), left)
            }
        };
        let announcement = Announcement {
            instance: options.instance.to_string(),
            app: of.app.to_string(),
            app_version: of.app_version.clone(),
            environment: of.env.clone(),
            concurrency: options.concurrency.get(),
            started: worker.started,
        };
        // Its connections belong to the thread that makes them, so it is not shared with the rest of the worker.
        let api = ServerApi::new(of).map_err(StartError::Client)?;
        let concurrency = usize::try_from(options.concurrency.get()).unwrap_or(usize::MAX);
        let (state, watched) = watch::channel(SyncState::BEGIN);
        let setup = Setup {
            payloads: Payloads::connected(of),
            announced,
            dialler: Dialler {
                owners: Owners::new(of, api.clone()),
                api: api.clone(),
                gateway: options.gateway,
                announcement: Arc::new(announcement),
            },
            api,
            work: Work {
                threads: Handle::current(),
                worker: Arc::clone(worker),
                drain,
                slots: Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS))),
            },
            concurrency,
            journal,
            left,
            reply_ack: options.reply_ack,
            look_again: of.look_again,
            drain: of.drain,
            state,
        };
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let drain = of.drain;
        let (end, ended) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(StartError::Thread)?;
        let thread = std::thread::Builder::new()
            .name("connect".to_owned())
            .spawn(move || {
                runtime.block_on(Desk::new(setup).run(stopped));
                // Requests that are still out are of no use to anybody.
                runtime.shutdown_background();
                drop(end);
            })
            .map_err(StartError::Thread)?;
        let guard = stop.clone().drop_guard();
        Ok((Self { stop, _stop: guard, drain, ended, thread }, watched))
    }

    /// Begins to stop, and does not wait for it: another worker takes over.
    pub(crate) fn stand_down(&self) {
        self.stop.cancel();
    }

    /// Stops taking calls, answers or hands back those that run, and closes.
    pub(crate) async fn shutdown(self) {
        self.stop.cancel();
        // The sender is dropped when the thread ends, whether well or by a panic.
        if tokio::time::timeout(self.drain + GRACE, self.ended).await.is_err() {
            tracing::error!("the connection's thread did not end; this is a fault of the worker");
            return;
        }
        // It has ended but for its last instructions; a panic in it was reported.
        drop(self.thread.join());
    }
}
