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
    /// How long a connection may be idle.
    longest: Duration,
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
        Self::keeping(IDLE)
    }
}

impl Pool {
    fn keeping(longest: Duration) -> Self {
        Self { idle: Mutex::default(), longest, used: Arc::new(Semaphore::new(MOST_USED)) }
    }

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
        if idle.sweeper.as_ref().is_none_or(AbortOnDropHandle::is_finished) {
            idle.sweeper = Some(AbortOnDropHandle::new(tokio::spawn(sweep(
                Arc::downgrade(self),
                self.longest,
            ))));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is idle for too long, until nothing is idle.
async fn sweep(pool: Weak<Pool>, longest: Duration) {
    loop {
        sleep(longest).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.connections.retain(|(_, since, connection)| {
            since.elapsed() < longest && !connection.sender.is_closed()
        });
        if idle.connections.is_empty() {
            // The next connection that is kept starts another one.
            idle.sweeper = None;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;
    use crate::http::target::Target;

    fn key(url: &str, private: bool) -> Key {
        let uri = url.parse().expect("a URI");
        Key { origin: Target::of(&uri).expect("a target").origin, private }
    }

    async fn connection() -> (Connection, DuplexStream) {
        let (ours, theirs) = duplex(1024);
        (Connection::begin(Box::new(ours)).await.expect("a connection"), theirs)
    }

    /// Waits for the other end to be closed.
    async fn closed(mut theirs: DuplexStream) -> bool {
        let read = timeout(Duration::from_secs(20), theirs.read_u8()).await;
        read.is_ok_and(|read| read.is_err())
    }

    #[tokio::test]
    async fn a_connection_serves_its_own_server_and_its_own_kind_of_grant() {
        let pool = Arc::new(Pool::default());
        let (connection, _theirs) = connection().await;
        pool.give(key("http://a.test", true), connection);
        for other in [
            key("http://a.test", false),
            key("https://a.test:80", true),
            key("http://a.test:81", true),
            key("http://b.test", true),
        ] {
            assert!(pool.take(&other).await.is_none(), "{other:?}");
        }
        assert!(pool.take(&key("http://a.test", true)).await.is_some());
        assert!(pool.take(&key("http://a.test", true)).await.is_none(), "it is in use");
    }

    #[tokio::test]
    async fn what_is_idle_for_too_long_is_closed() {
        let pool = Arc::new(Pool::keeping(Duration::from_millis(50)));
        for _ in 0..2 {
            let (connection, theirs) = connection().await;
            pool.give(key("http://a.test", false), connection);
            assert!(closed(theirs).await);
        }
    }

    #[tokio::test]
    async fn only_so_many_are_kept() {
        let pool = Arc::new(Pool::default());
        let mut others = Vec::new();
        for _ in 0..=MOST_IDLE {
            let (connection, theirs) = connection().await;
            pool.give(key("http://a.test", false), connection);
            others.push(theirs);
        }
        assert!(closed(others.remove(0)).await, "the one that was used longest ago");
        let mut kept = Vec::new();
        while let Some(connection) = pool.take(&key("http://a.test", false)).await {
            kept.push(connection);
        }
        assert_eq!(kept.len(), MOST_IDLE);
    }

    #[tokio::test]
    async fn what_its_server_has_closed_is_not_given_out() {
        let pool = Arc::new(Pool::default());
        let (connection, theirs) = connection().await;
        pool.give(key("http://a.test", false), connection);
        drop(theirs);
        assert!(pool.take(&key("http://a.test", false)).await.is_none());
    }
}
