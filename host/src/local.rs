//! An engine and a worker for each role in one process, for demos and development. They speak HTTP over loopback, signed, as they
//! would if they were apart.

pub(crate) mod follow;
pub(crate) mod key;
pub(crate) mod show;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use engine::{Data, Engine};
use protocol::event::NewEvent;
use protocol::role::Role;
use protocol::signature::{Keys, Trust};
use registry::folder::{Folder, FolderOptions};
use registry::source::Source;
use registry::{Percent, RegistryOptions};
use runtime::Limits;
use runtime::http::Destination;
use serde::Deserialize;
use worker::Access;

use crate::cli::CacheArgs;
use crate::granting::GrantsFile;
use crate::serving::{self, Serving};
use crate::workspace;

/// Any key does for an engine without event keys.
pub(crate) const EVENT_KEY: &str = "local";

/// How long registering may take.
const REGISTERED: Duration = Duration::from_secs(30);

/// What runs where.
pub(crate) struct Plan {
    pub(crate) engine: SocketAddr,
    /// Where the worker for the role `host` listens; the one for `cluster` takes the next port.
    pub(crate) worker: SocketAddr,
    pub(crate) data: Data,
    pub(crate) components: PathBuf,
    /// Whether changes of the folder of components are taken up by themselves; otherwise [`Local::reload`] does it.
    pub(crate) watching: bool,
    /// The activation log and the versions.
    pub(crate) versions: PathBuf,
    pub(crate) cache: CacheArgs,
    pub(crate) allow: Vec<Destination>,
    pub(crate) grants: GrantsFile,
}

/// An engine and a worker for each role.
pub(crate) struct Local {
    pub(crate) engine: Engine,
    serving: Serving,
    client: reqwest::Client,
}

impl Local {
    /// Starts both, and waits until the engine has the worker's functions.
    pub(crate) async fn start(plan: Plan) -> anyhow::Result<Self> {
        let key = key::of(&plan.data)?;
        let runtime = tokio::task::block_in_place(|| {
            let compilation = plan.cache.urgent_compilation();
            plan.grants.runtime(&plan.versions, Limits::default(), plan.allow, compilation)
        })?;
        let folder = Folder::new(&plan.components, FolderOptions::default());
        let source = Source::new(Some(folder), None);
        let registry =
            serving::open(runtime, RegistryOptions::new(plan.versions), source, Some(Percent::ALL))
                .await?;
        plan.grants.check_found(&registry)?;
        let engine = engine::Options {
            listen: plan.engine,
            data: plan.data,
            signing_key: Some(key.clone()),
            keep_alive: true,
            samples: samples(plan.engine),
            ..engine::Options::default()
        };
        let worker = |engine: SocketAddr, role: Role| -> anyhow::Result<worker::Options> {
            let origin: url::Url = format!("http://{engine}").parse()?;
            Ok(worker::Options {
                role,
                access: Access::loopback(),
                app: role.app(),
                app_version: None,
                listen: serving::listens(plan.worker, role, None),
                trust: Trust::Signed(Keys { primary: key.clone(), fallback: None }),
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
                elected: None,
                look_again: worker::options::LOOK_AGAIN,
                transport: worker::connect::Transport::Serve,
                drain: worker::options::DRAIN,
            })
        };
        let workers = |engine: SocketAddr| {
            Role::ALL
                .into_iter()
                .map(|role| worker(engine, role))
                .collect::<anyhow::Result<Vec<_>>>()
        };
        let watching = plan.watching.then_some(Percent::ALL);
        let (engine, serving) = if plan.engine.port() == 0 {
            // A port that is not known yet belongs to an engine that remembers nothing.
            let engine = Engine::start(engine).await?;
            let workers = workers(engine.address())?;
            (engine, Serving::start(registry, watching, workers, None).await?)
        } else {
            // The engine may have runs to go on with at once: a worker that is not there yet would cost them an attempt.
            let workers = workers(plan.engine)?;
            let serving = Serving::start(registry, watching, workers, None).await?;
            (Engine::start(engine).await?, serving)
        };
        serving.registered(REGISTERED).await?;
        Ok(Self { engine, serving, client: reqwest::Client::builder().build()? })
    }

    /// Where the first worker listens.
    pub(crate) fn worker(&self) -> anyhow::Result<SocketAddr> {
        self.serving.address()
    }

    /// Takes up what is among the components now; returns when runs that begin have it.
    pub(crate) async fn reload(&self, why: &str) -> anyhow::Result<registry::Report> {
        self.serving.reload(why, REGISTERED).await
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

    /// Ends all: the engine first, so that it does not report a worker that is gone.
    pub(crate) async fn shutdown(self) {
        self.engine.shutdown().await;
        self.serving.shutdown().await;
    }
}

/// The sample events of the workspace, for the page; none where there is no workspace.
fn samples(engine: SocketAddr) -> Vec<engine::Sample> {
    let found = workspace::find().and_then(|root| {
        let places = [("ENGINE_URL", format!("http://{engine}"))];
        Ok((workspace::samples(&root, &places)?, root))
    });
    let Ok((samples, root)) = found else { return Vec::new() };
    let samples = samples.iter().flat_map(|sample| {
        let file = sample.file.strip_prefix(&root).unwrap_or(&sample.file).display().to_string();
        sample.events.iter().map(move |event| engine::Sample {
            name: event.name.to_string(),
            data: event.data.get().to_owned(),
            from: file.clone(),
        })
    });
    samples.collect()
}
