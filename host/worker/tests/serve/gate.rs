//! A place that step bodies report to, and that lets them go on when the test says so.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub(crate) struct Gate {
    pub(crate) url: String,
    arrived: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

type Shared = (Arc<Semaphore>, Arc<Semaphore>);

async fn wait(State((arrived, opened)): State<Shared>, Path(_step): Path<String>) {
    arrived.add_permits(1);
    opened.acquire().await.expect("it stays").forget();
}

impl Gate {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (arrived, opened) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let shared = (Arc::clone(&arrived), Arc::clone(&opened));
        let router = Router::new().route("/{step}", post(wait)).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, arrived, opened }
    }

    /// Waits until another body is here.
    pub(crate) async fn reached(&self) {
        self.arrived.acquire().await.expect("it stays").forget();
    }

    /// Lets so many bodies go on.
    pub(crate) fn open(&self, bodies: usize) {
        self.opened.add_permits(bodies);
    }
}
