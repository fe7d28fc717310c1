//! One address for several workers, as a cluster has it: who connects comes to one that says that it is ready.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How often, and for how long, a worker is asked whether it is ready.
const PROBE: Duration = Duration::from_millis(250);

/// The address.
pub(super) struct Address {
    at: SocketAddr,
    workers: Arc<Mutex<Vec<Behind>>>,
    tasks: [JoinHandle<()>; 2],
}

/// A worker behind it.
#[derive(Debug, Clone, Copy)]
struct Behind {
    at: SocketAddr,
    ready: bool,
}

impl Address {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let workers: Arc<Mutex<Vec<Behind>>> = Arc::default();
        let tasks = [
            tokio::spawn(accept(listener, Arc::clone(&workers))),
            tokio::spawn(probe(Arc::clone(&workers))),
        ];
        Self { at, workers, tasks }
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.at)
    }

    /// A worker that is ready.
    pub(super) fn add(&self, at: SocketAddr) {
        lock(&self.workers).push(Behind { at, ready: true });
    }

    /// Nobody new comes to it. Connections that there are go on.
    pub(super) fn remove(&self, at: SocketAddr) {
        lock(&self.workers).retain(|behind| behind.at != at);
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn lock(workers: &Mutex<Vec<Behind>>) -> MutexGuard<'_, Vec<Behind>> {
    workers.lock().expect("no panic")
}

/// Takes connections to the workers in turn.
async fn accept(listener: TcpListener, workers: Arc<Mutex<Vec<Behind>>>) {
    for turn in 0_usize.. {
        let Ok((mut from, _)) = listener.accept().await else { return };
        let ready: Vec<_> = lock(&workers).iter().filter(|it| it.ready).map(|it| it.at).collect();
        // With nobody there the connection ends, as it does on a cluster.
        let Some(at) = ready.get(turn % ready.len().max(1)).copied() else { continue };
        tokio::spawn(async move {
            let Ok(mut to) = TcpStream::connect(at).await else { return };
            // An end of either side is the end of both.
            drop(tokio::io::copy_bidirectional(&mut from, &mut to).await);
        });
    }
}

/// Asks each again and again.
async fn probe(workers: Arc<Mutex<Vec<Behind>>>) {
    let client = reqwest::Client::builder().timeout(PROBE * 2).build().expect("a client");
    loop {
        tokio::time::sleep(PROBE).await;
        let all: Vec<_> = lock(&workers).iter().map(|behind| behind.at).collect();
        for at in all {
            let answer = client.get(format!("http://{at}/readyz")).send().await;
            let ready = answer.is_ok_and(|answer| answer.status().is_success());
            lock(&workers).iter_mut().filter(|it| it.at == at).for_each(|it| it.ready = ready);
        }
    }
}
