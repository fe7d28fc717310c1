//! An engine and a worker in one process, for demos and development. They speak HTTP over loopback, signed, as they
//! would if they were apart.

pub(crate) mod follow;
pub(crate) mod show;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use engine::{Data, Engine};
use protocol::event::NewEvent;
use protocol::signature::{Keys, SigningKey, Trust};
use runtime::http::Destination;
use runtime::{Limits, Runtime, folder};
use serde::Deserialize;
use worker::{Running, SyncState};

use crate::answer::progress;

/// The app of workers with the role `host`.
pub(crate) const APP: &str = "system-bus-host";

/// Any key does for an engine without event keys.
pub(crate) const EVENT_KEY: &str = "local";

/// What runs where.
pub(crate) struct Plan {
    pub(crate) engine: SocketAddr,
    pub(crate) worker: SocketAddr,
    pub(crate) data: Data,
    pub(crate) components: PathBuf,
    pub(crate) allow: Vec<Destination>,
}

/// An engine and its worker.
pub(crate) struct Local {
    pub(crate) engine: Engine,
    worker: Running,
    client: reqwest::Client,
}

impl Local {
    /// Starts both, and waits until the engine has the worker's functions.
    pub(crate) async fn start(plan: Plan) -> anyhow::Result<Self> {
        let key = SigningKey::parse(&random_hex()?).context("a random key")?;
        let runtime = Runtime::new(Limits::default(), plan.allow)?;
        let loaded = load(&runtime, &plan.components).await?;
        let engine = engine::Options {
            listen: plan.engine,
            data: plan.data,
            signing_key: Some(key.clone()),
            keep_alive: true,
            ..engine::Options::default()
        };
        let worker = |engine: SocketAddr| -> anyhow::Result<worker::Options> {
            let origin: url::Url = format!("http://{engine}").parse()?;
            Ok(worker::Options {
                app: APP.parse()?,
                app_version: None,
                listen: plan.worker,
                trust: Trust::Signed(Keys { primary: key, fallback: None }),
                event_key: Some(EVENT_KEY.to_owned()),
                api_origin: origin.clone(),
                event_api_origin: origin,
                env: None,
                serve_origin: None,
                serve_path: None,
                in_band_sync: false,
                vault: None,
                body_limit: worker::options::BODY_LIMIT,
                checkpoints: true,
                neighbours: Vec::new(),
                look_again: worker::options::LOOK_AGAIN,
                transport: worker::connect::Transport::Serve,
                drain: worker::options::DRAIN,
            })
        };
        let (engine, worker) = if plan.engine.port() == 0 {
            // A port that is not known yet belongs to an engine that remembers nothing.
            let engine = Engine::start(engine).await?;
            let options = worker(engine.address())?;
            (engine, Running::start(options, loaded.generation, loaded.refused).await?)
        } else {
            // The engine may have runs to go on with at once: a worker that is not there yet would cost them an attempt.
            let options = worker(plan.engine)?;
            let running = Running::start(options, loaded.generation, loaded.refused).await?;
            (Engine::start(engine).await?, running)
        };
        let local = Self { engine, worker, client: reqwest::Client::builder().build()? };
        local.registered().await?;
        Ok(local)
    }

    /// Where the worker listens.
    pub(crate) fn worker(&self) -> SocketAddr {
        self.worker.address()
    }

    /// Sends events to the engine, as anybody would.
    pub(crate) async fn send(&self, events: &[NewEvent]) -> anyhow::Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Sent {
            #[serde(default)]
            ids: Vec<String>,
            error: Option<String>,
        }
        let url = format!("http://{}/e/{EVENT_KEY}", self.engine.address());
        let sent: Sent = self.client.post(url).json(events).send().await?.json().await?;
        match sent.error {
            Some(error) => bail!("the engine refused an event: {error}"),
            None => Ok(sent.ids),
        }
    }

    /// Ends both: the engine first, so that it does not report a worker that is gone.
    pub(crate) async fn shutdown(self) {
        self.engine.shutdown().await;
        self.worker.shutdown().await;
    }

    async fn registered(&self) -> anyhow::Result<()> {
        let mut state = self.worker.sync_state();
        let synced = state.wait_for(|state| matches!(state, SyncState::Synced { .. }));
        match tokio::time::timeout(Duration::from_secs(30), synced).await {
            Ok(Ok(_)) => Ok(()),
            _ => bail!(
                "the worker could not register with the engine: {:?}",
                *self.worker.sync_state().borrow()
            ),
        }
    }
}

/// Loads a folder, saying which component is being compiled and which was refused.
pub(crate) async fn load(runtime: &Runtime, components: &Path) -> anyhow::Result<folder::Loaded> {
    let loaded =
        folder::load(runtime, components, |name| progress(&format!("• loading {name}"))).await?;
    for error in &loaded.refused {
        tracing::error!(%error, "a component was left out");
    }
    for (component, error) in loaded.generation.refused() {
        tracing::error!(component, %error, "a function was left out");
    }
    Ok(loaded)
}

fn random_hex() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the operating system has no randomness")?;
    Ok(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}
