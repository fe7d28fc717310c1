//! Workers of a cluster: the release that they follow, and the one of them that registers.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, bail};
use cluster::lease::{Election, Times};
use cluster::release::{Known, follow};
use cluster::{Place, Reached, reach};
use registry::Registry;
use registry::oci::ComponentReference;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long the cluster is given to say what to run before it is said that this is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the lease may take to be given up.
const GIVING_UP: Duration = Duration::from_secs(3);

/// Follows the release that is named, where one is; also answers with what it says now.
pub(crate) async fn start(
    place: Option<&Place>,
) -> anyhow::Result<(Option<Followed>, Option<Vec<ComponentReference>>)> {
    let Some(place) = place else { return Ok((None, None)) };
    let (followed, references) = Followed::start(place).await?;
    Ok((Some(followed), Some(references)))
}

/// Hands what is followed to the registry from now on.
pub(crate) async fn go_on(followed: Option<&mut Followed>, registry: &Registry) -> Infallible {
    match followed {
        Some(followed) => followed.go_on(registry).await,
        None => std::future::pending().await,
    }
}

/// Has these workers register only while this process is elected, where a lease is named.
pub(crate) async fn elect(
    place: Option<&Place>,
    workers: &mut [worker::Options],
) -> anyhow::Result<Option<Elected>> {
    let Some(place) = place else { return Ok(None) };
    let elected = Elected::start(place).await?;
    for worker in workers {
        worker.elected = Some(elected.leads.clone());
    }
    Ok(Some(elected))
}

/// Ends both.
pub(crate) async fn end(elected: Option<Elected>, followed: Option<Followed>) {
    if let Some(elected) = elected {
        elected.end().await;
    }
    if let Some(followed) = followed {
        followed.end().await;
    }
}

/// A release that is followed.
pub(crate) struct Followed {
    known: watch::Receiver<Known>,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Followed {
    /// Begins to follow, and waits until there is a release: a worker that does not know what it is to run runs nothing.
    async fn start(place: &Place) -> anyhow::Result<(Self, Vec<ComponentReference>)> {
        let Reached { client, namespace } = reach(None).await.context("--release")?;
        let namespace = place.namespace.clone().unwrap_or(namespace);
        let (sender, known) = watch::channel(Known::default());
        let stop = CancellationToken::new();
        let (name, stopped) = (place.name.clone(), stop.clone());
        let task =
            tokio::spawn(async move { follow(client, &namespace, &name, sender, stopped).await });
        let mut followed = Self { known, task, stop };
        let references = loop {
            let release = followed.known.borrow_and_update().release.clone();
            if let Some(release) = release {
                break references(&release.components)
                    .with_context(|| format!("--release {place}"))?;
            }
            match tokio::time::timeout(PATIENCE, followed.known.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => bail!("--release {place}: following it has ended"),
                Err(_) => {
                    let trouble = followed.known.borrow().trouble.clone().unwrap_or_default();
                    tracing::warn!(%place, trouble, "waiting for a release: there is nothing to serve before");
                    // Said once; then whatever it takes.
                    drop(followed.known.wait_for(|known| known.release.is_some()).await);
                }
            }
        };
        Ok((followed, references))
    }

    /// Hands each release to the registry, which takes it up. A release that cannot be meant is told, and changes nothing.
    async fn go_on(&mut self, registry: &Registry) -> Infallible {
        loop {
            if self.known.changed().await.is_err() {
                return std::future::pending().await;
            }
            let release = self.known.borrow_and_update().release.clone();
            match release.map(|release| references(&release.components)) {
                Some(Ok(references)) => registry.take_from(references),
                Some(Err(error)) => tracing::error!(
                    error = format!("{error:#}"),
                    "the release is not taken up; what is active stays"
                ),
                None => {}
            }
        }
    }

    /// Ends it.
    async fn end(self) {
        self.stop.cancel();
        drop(self.task.await);
    }
}

fn references(lines: &[String]) -> anyhow::Result<Vec<ComponentReference>> {
    let parse = |line: &String| line.parse::<ComponentReference>().with_context(|| line.clone());
    lines.iter().map(parse).collect()
}

/// An election that this worker takes part in.
pub(crate) struct Elected {
    leads: watch::Receiver<bool>,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Elected {
    /// Begins to take part, in the name of this machine (in a cluster that is the pod) and this process.
    async fn start(place: &Place) -> anyhow::Result<Self> {
        let Reached { client, namespace } = reach(None).await.context("--lease")?;
        let namespace = place.namespace.clone().unwrap_or(namespace);
        let machine = rustix::system::uname();
        let machine = machine.nodename().to_string_lossy();
        let identity = format!("{machine}-{}", std::process::id());
        let (election, leads) =
            Election::new(client, &namespace, &place.name, &identity, Times::default());
        let stop = CancellationToken::new();
        let task = tokio::spawn(election.run(stop.clone()));
        Ok(Self { leads, task, stop })
    }

    /// Gives up what it has been given.
    async fn end(self) {
        self.stop.cancel();
        drop(tokio::time::timeout(GIVING_UP, self.task).await);
    }
}
