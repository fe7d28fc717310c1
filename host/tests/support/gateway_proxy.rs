//! A network between worker and gateway that can break: it carries bytes, delays them, stops carrying them without a
//! word, or tears every connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Everything gets through.
    Fine,
    /// Nothing gets through, and nothing is closed.
    Hanging,
    /// What the worker sends gets through; what the gateway answers does not.
    Deaf,
    /// A connection takes this long to come about.
    Slow(Duration),
}

/// The network. It ends with its test.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) address: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Counts the tears: each ends the connections there were.
    torn: watch::Sender<u32>,
    connections: Arc<AtomicUsize>,
}

impl Network {
    /// A fine network that leads to this address.
    pub(crate) async fn to(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let network = Self {
            address: listener.local_addr().expect("an address"),
            weather: watch::channel(Weather::Fine).0,
            torn: watch::channel(0).0,
            connections: Arc::default(),
        };
        let accepting = network.clone();
        tokio::spawn(async move {
            while let Ok((worker, _)) = listener.accept().await {
                accepting.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(accepting.clone().carry(worker, gateway));
            }
        });
        network
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn becomes(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Tears all connections.
    pub(crate) fn tear(&self) {
        self.torn.send_modify(|torn| *torn += 1);
    }

    async fn carry(self, worker: TcpStream, gateway: SocketAddr) {
        let mut torn = self.torn.subscribe();
        let slow = match *self.weather.borrow() {
            Weather::Slow(by) => by,
            Weather::Fine | Weather::Hanging | Weather::Deaf => Duration::ZERO,
        };
        tokio::time::sleep(slow).await;
        let Ok(gateway) = TcpStream::connect(gateway).await else { return };
        let (from_worker, to_worker) = worker.into_split();
        let (from_gateway, to_gateway) = gateway.into_split();
        let up = pump(from_worker, to_gateway, self.weather.subscribe(), |weather| {
            weather != Weather::Hanging
        });
        let down = pump(from_gateway, to_worker, self.weather.subscribe(), |weather| {
            !matches!(weather, Weather::Hanging | Weather::Deaf)
        });
        // Either end that closes ends both ways, as a real connection's would.
        tokio::select! {
            () = up => {}
            () = down => {}
            _ = torn.changed() => {}
        }
    }
}

/// Carries bytes one way, as long as the weather allows it.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    open: impl Fn(Weather) -> bool,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        // An error means that the test is over.
        if weather.wait_for(|weather| open(*weather)).await.is_err()
            || to.write_all(&buffer[..read]).await.is_err()
        {
            return;
        }
    }
}
