//! Idle connections, each component's its own: what one component sends never travels on a connection of another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use super::connect::Stream;
use super::failure::{self, LARGEST_HEAD};
use super::target::Origin;

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(30);

/// How many idle connections a component may have.
const MOST_IDLE: usize = 32;

/// How many connections a component may use at once; further requests wait.
pub(crate) const MOST_USED: usize = 64;

/// How long a connection may take to be ready for its next request.
const SETTLING: Duration = Duration::from_millis(50);

/// Where a connection leads, and how its address was judged: one that was made under a grant for private addresses is not
/// used under another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) origin: Origin,
    pub(crate) private: bool,
}

/// A connection, with the task that moves its bytes. The task ends with this.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<WasiBody>,
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    /// Begins to speak HTTP on a stream.
    pub(crate) async fn begin(stream: Box<dyn Stream>) -> Result<Self, Error> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(LARGEST_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failure::of_exchange(&error))?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
        Ok(Self { sender, _driver: AbortOnDropHandle::new(driver) })
    }
}

/// The connections of all components.
#[derive(Default)]
pub(crate) struct Pools(Mutex<HashMap<Arc<str>, Arc<Pool>>>);

impl Pools {
    /// Those of one.
    pub(crate) fn of(&self, component: &Arc<str>) -> Arc<Pool> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(Arc::clone(component)).or_default())
    }
}

/// The connections of one component.
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    /// A permit for each connection in use.
    pub(crate) used: Arc<Semaphore>,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is last.
    connections: Vec<(Key, Instant, Connection)>,
    /// Closes what is idle for too long; ends when nothing is idle.
    sweeper: Option<AbortOnDropHandle<()>>,
}

impl Default for Pool {
    fn default() -> Self {
        Self { idle: Mutex::default(), used: Arc::new(Semaphore::new(MOST_USED)) }
    }
}

impl Pool {
    /// An idle connection to there that its server has not closed.
    pub(crate) async fn take(&self, key: &Key) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut idle = self.idle();
                let at = idle.connections.iter().rposition(|(own, ..)| own == key)?;
                idle.connections.remove(at).2
            };
            if let Ok(Ok(())) = timeout(SETTLING, connection.sender.ready()).await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose answer was read to its end.
    pub(crate) fn give(self: &Arc<Self>, key: Key, connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.idle();
        if idle.connections.len() >= MOST_IDLE {
            idle.connections.remove(0);
        }
        idle.connections.push((key, Instant::now(), connection));
        if idle.sweeper.as_ref().is_none_or(|sweeper| sweeper.is_finished()) {
            idle.sweeper = Some(AbortOnDropHandle::new(tokio::spawn(sweep(Arc::downgrade(self)))));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is idle for too long, until nothing is idle.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.connections.retain(|(_, since, connection)| {
            since.elapsed() < IDLE && !connection.sender.is_closed()
        });
        if idle.connections.is_empty() {
            // The next connection that is kept starts another one.
            idle.sweeper = None;
            return;
        }
    }
}
