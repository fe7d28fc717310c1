//! One address for several workers, as a cluster has it: who connects comes to one that says that it is ready. What passes through
//! can be cut off, and slowed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often, and for how long, a worker is asked whether it is ready.
const PROBE: Duration = Duration::from_millis(250);

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// As it should be.
    Free,
    /// Each piece of what passes takes so much longer.
    Slow(Duration),
    /// Nothing passes, and what was open is closed.
    Cut,
}

/// The address.
pub(crate) struct Address {
    at: SocketAddr,
    passage: watch::Sender<Passage>,
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
    pub(crate) async fn start() -> Self {
        // Fails when another one was first, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let workers: Arc<Mutex<Vec<Behind>>> = Arc::default();
        let passage = watch::Sender::new(Passage::Free);
        let tasks = [
            tokio::spawn(accept(listener, Arc::clone(&workers), passage.subscribe())),
            tokio::spawn(probe(Arc::clone(&workers))),
        ];
        Self { at, passage, workers, tasks }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.at)
    }

    /// How the way is from now on.
    #[allow(dead_code, reason = "only chaos does that")]
    pub(crate) fn becomes(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }

    /// A worker that is ready.
    pub(crate) fn add(&self, at: SocketAddr) {
        lock(&self.workers).push(Behind { at, ready: true });
    }

    /// Nobody new comes to it. Connections that there are go on.
    pub(crate) fn remove(&self, at: SocketAddr) {
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
async fn accept(
    listener: TcpListener,
    workers: Arc<Mutex<Vec<Behind>>>,
    passage: watch::Receiver<Passage>,
) {
    for turn in 0_usize.. {
        let Ok((from, _)) = listener.accept().await else { return };
        let ready: Vec<_> = lock(&workers).iter().filter(|it| it.ready).map(|it| it.at).collect();
        // With nobody there, and where nothing passes, the connection ends, as it does on a cluster.
        let Some(at) = ready.get(turn % ready.len().max(1)).copied() else { continue };
        let mut passage = passage.clone();
        if *passage.borrow_and_update() == Passage::Cut {
            continue;
        }
        tokio::spawn(async move {
            let Ok(to) = TcpStream::connect(at).await else { return };
            let ((read_from, write_from), (read_to, write_to)) =
                (from.into_split(), to.into_split());
            let both = async {
                tokio::join!(
                    pass(read_from, write_to, passage.clone()),
                    pass(read_to, write_from, passage.clone())
                )
            };
            let mut told = passage.clone();
            tokio::select! {
                _ = both => {}
                _ = told.wait_for(|passage| *passage == Passage::Cut) => {}
            }
        });
    }
}

/// Passes on what comes, until its end.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, passage: watch::Receiver<Passage>) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let how = *passage.borrow();
        if let Passage::Slow(time) = how {
            tokio::time::sleep(time).await;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    // Whoever is gone has no need to be told.
    drop(to.shutdown().await);
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
