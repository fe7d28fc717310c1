//! The two servers, in their processes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::serve::ListenerExt;
use protocol::role::Role;
use runtime::Limits;
use tokio::net::TcpListener;
use worker::{Access, Options, Running};

use crate::deployed::{self, Deployed};
use crate::{Kind, Mode, plain, process};

/// The app that both serve.
pub(crate) const APP: &str = "bench";

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Serves until the process that asked for it ends.
pub(crate) fn run(kind: Kind, mode: Mode) {
    // As the binary makes it.
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    let address = match kind {
        Kind::Worker => {
            let (running, deployed) = tokio.block_on(worker(mode));
            let address = running.address();
            // It serves for as long as the process lives.
            std::mem::forget((running, deployed));
            address
        }
        Kind::Plain => tokio.block_on(plain(mode)),
    };
    process::serve_until_alone(address);
}

async fn worker(mode: Mode) -> (Running, Deployed) {
    let runtime = deployed::engine(Limits::default(), Vec::new());
    let deployed = Deployed::of(&runtime, &[guests::BENCH]).await;
    // Nobody answers there; the worker asks less and less often.
    let nobody = "http://127.0.0.1:9".parse::<url::Url>().expect("a URL");
    let options = Options {
        role: Role::Cluster,
        access: Access::nobody(),
        app: APP.parse().expect("an id"),
        app_version: None,
        listen: ANY_PORT,
        trust: mode.trust(),
        event_key: None,
        api_origin: nobody.clone(),
        event_api_origin: nobody,
        env: None,
        serve_origin: None,
        serve_path: None,
        in_band_sync: true,
        vault: None,
        body_limit: worker::options::BODY_LIMIT,
        // The load is made of calls, not of runs: nobody would take what is stored.
        checkpoints: false,
        neighbours: Vec::new(),
        elected: None,
        look_again: worker::options::LOOK_AGAIN,
        transport: worker::connect::Transport::Serve,
        drain: worker::options::DRAIN,
    };
    let registry = Arc::clone(&deployed.registry);
    (Running::start(options, registry).await.expect("a worker"), deployed)
}

async fn plain(mode: Mode) -> SocketAddr {
    let listener = TcpListener::bind(ANY_PORT).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let served = axum::serve(listener, plain::router(mode.trust()))
        .with_graceful_shutdown(std::future::pending());
    tokio::spawn(served.into_future());
    address
}
