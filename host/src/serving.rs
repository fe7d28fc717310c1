//! What serves: one registry, and a worker for each role.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use protocol::role::Role;
use protocol::sync::Conflict;
use registry::source::Source;
use registry::{By, Percent, Registry, RegistryOptions, ReloadError, Report, Request};
use runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::{Beside, Running, SyncState};

use crate::answer::progress;

/// Two components, or two workers, have a function of one id.
pub(crate) const DUPLICATE: u8 = 6;

/// How often the first look is repeated while other workers change the versions folder.
const TRIES: u32 = 50;

/// Ids that two components have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Duplicates(pub(crate) String);

/// One registry, and a worker for each role.
pub(crate) struct Serving {
    registry: Arc<Registry>,
    workers: Vec<(Role, Running)>,
    stop: CancellationToken,
    keeper: JoinHandle<()>,
}

/// Opens a registry and takes up what is there. What is refused is told, and does not keep the rest from being served.
pub(crate) async fn open(
    runtime: Runtime,
    options: RegistryOptions,
    source: Source,
    watching: Option<Percent>,
) -> anyhow::Result<Arc<Registry>> {
    progress("• loading components");
    let registry = Registry::open(runtime, options, Some(source))?;
    // Where somebody has to ask for a reload, a start is none; but what was never active has to begin somehow.
    let percent = if registry.is_new() { Some(Percent::ALL) } else { watching };
    let taken_up = if let Some(percent) = percent {
        take_up(&registry, percent).await.map(Some)
    } else {
        registry.adopt().await;
        Ok(None)
    };
    let report = match taken_up {
        Ok(report) => report,
        // What was active goes on; what is there now can wait for somebody to look at it.
        Err(error @ ReloadError::Empty { .. }) => {
            tracing::error!(%error, "nothing was taken up; serving what was active before");
            registry.adopt().await;
            None
        }
        Err(error) => return Err(error.into()),
    };
    let components = || report.iter().flat_map(|report| &report.components);
    for component in components().filter(|one| one.verdict.is_refusal()) {
        let reason = component.reason.as_deref().unwrap_or_default();
        tracing::error!(component = component.name, reason, "a component was left out");
    }
    for (component, error) in registry.present().refused() {
        tracing::error!(component, %error, "a function was left out");
    }
    // Which of two that are new is meant nobody can know; where one was active before, it stays.
    let duplicates = components().filter(|one| one.is_new_duplicate());
    let duplicates: Vec<_> = duplicates.filter_map(|one| one.reason.as_deref()).collect();
    if !duplicates.is_empty() {
        return Err(Duplicates(duplicates.join("; ")).into());
    }
    Ok(registry)
}

fn blocked(role: Role, conflicts: &[Conflict]) -> Duplicates {
    let mut words = format!("the worker for role {role} does not register");
    for conflict in conflicts {
        // Writing to memory cannot fail.
        let _ = write!(words, "; the function {conflict}, which serves it too");
    }
    Duplicates(words)
}

/// The first look at what is there. Another worker that shares the versions folder may be at it too.
async fn take_up(registry: &Registry, percent: Percent) -> Result<Report, ReloadError> {
    let request = Request { percent: Some(percent), ..Request::by(By::Discovery) };
    let mut tries = 0;
    loop {
        match registry.reload(&request).await {
            Err(ReloadError::Conflict { .. }) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            report => return report,
        }
    }
}

/// Where the worker for a role listens. Beside another worker the one for `cluster` takes the next port, or any where the
/// other one does.
pub(crate) fn listens(first: SocketAddr, role: Role, cluster: Option<SocketAddr>) -> SocketAddr {
    match role {
        Role::Host => first,
        Role::Cluster => cluster.unwrap_or_else(|| {
            let port = if first.port() == 0 { 0 } else { first.port().saturating_add(1) };
            SocketAddr::new(first.ip(), port)
        }),
    }
}

impl Serving {
    /// Starts a worker for each of these, the first one with something beside it, and keeps the registry current.
    pub(crate) async fn start(
        registry: Arc<Registry>,
        watching: Option<Percent>,
        options: Vec<worker::Options>,
        mut beside: Option<Beside>,
    ) -> anyhow::Result<Self> {
        let mut workers = Vec::new();
        for options in options {
            let role = options.role;
            let (registry, beside) = (Arc::clone(&registry), beside.take().unwrap_or_default());
            workers.push((role, Running::start_beside(options, registry, beside).await?));
        }
        let stop = CancellationToken::new();
        let keep = Arc::clone(&registry).keep_current(watching, stop.clone());
        let keeper = tokio::spawn(keep);
        Ok(Self { registry, workers, stop, keeper })
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Where each worker listens.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (Role, SocketAddr)> {
        self.workers.iter().map(|(role, worker)| (*role, worker.address()))
    }

    /// Where the first worker listens.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        self.addresses().next().map(|(_, address)| address).context("a role to serve")
    }

    /// Waits until the server has everything, or a worker is blocked because another app has one of its functions.
    pub(crate) async fn registered(&self, patience: Duration) -> anyhow::Result<()> {
        for (role, worker) in &self.workers {
            let mut state = worker.sync_state();
            let settled = state.wait_for(|state| !matches!(state, SyncState::Pending { .. }));
            match tokio::time::timeout(patience, settled).await {
                Ok(Ok(state)) => {
                    if let SyncState::Blocked { conflicts, .. } = &*state {
                        return Err(blocked(*role, conflicts).into());
                    }
                }
                _ => bail!(
                    "the worker for role {role} could not register with the server: {:?}",
                    *worker.sync_state().borrow()
                ),
            }
        }
        Ok(())
    }

    /// Takes up what is among the components now, whatever was there before, and waits until the server knows of it too.
    ///
    /// It is the reload of `PUT /api/reload`, after whoever is at one already.
    pub(crate) async fn reload(&self, why: &str, patience: Duration) -> anyhow::Result<Report> {
        let request = Request { force: true, why: why.to_owned(), ..Request::by(By::Reload) };
        let report = loop {
            match self.registry.reload(&request).await {
                Err(ReloadError::Busy | ReloadError::Conflict { .. }) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                report => break report?,
            }
        };
        let present = self.registry.present();
        let told = async {
            for (_, worker) in &self.workers {
                let mut state = worker.sync_state();
                // The sender lives as long as the worker.
                while !worker.has_registered(&present) && state.changed().await.is_ok() {}
            }
        };
        if tokio::time::timeout(patience, told).await.is_err() {
            tracing::warn!(
                "the server does not know of all functions yet; events may not start those that are new"
            );
        }
        Ok(report)
    }

    /// Returns when a worker finds, before it was ever registered, that another app has one of its functions.
    pub(crate) async fn blocked(&self) -> Duplicates {
        let waits = self.workers.iter().map(|(role, worker)| {
            Box::pin(async move {
                // A copy: whoever kept a look at the state itself would keep the worker from ever changing it again.
                match SyncState::verdict(&mut worker.sync_state()).await {
                    Some(SyncState::Blocked { conflicts, .. }) => blocked(*role, &conflicts),
                    // Registered once, it stays: its old registration is good, and the conflict is shown.
                    _ => std::future::pending().await,
                }
            })
        });
        futures::future::select_all(waits).await.0
    }

    /// Returns when a worker was told that another process has taken over, and nothing came for a while.
    pub(crate) async fn retired(&self) {
        for (_, worker) in &self.workers {
            worker.retired().await;
        }
    }

    /// Stops taking calls, answers or hands back those that run, and ends.
    pub(crate) async fn shutdown(self) {
        futures::future::join_all(self.workers.into_iter().map(|(_, worker)| worker.shutdown()))
            .await;
        self.stop.cancel();
        // A panic in it was reported when it happened.
        drop(self.keeper.await);
    }
}
