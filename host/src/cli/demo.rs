//! `demo`: the main job in one command. Builds the functions, starts an engine and a worker, sends the sample
//! events, shows each step, prints the results.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use engine::Data;
use runtime::http::Destination;

use crate::cli::Demo;
use crate::granting::GrantsFile;
use crate::local::follow::{Followed, Status, follow};
use crate::local::show::{Display, table};
use crate::local::{Local, Plan};
use crate::{answer, workspace};

pub(crate) async fn run(args: Demo, json: bool) -> anyhow::Result<ExitCode> {
    let root = workspace::find()?;
    let components = components(&root, args.components).await?;
    answer::progress(
        "• starting an engine (for development, demos and tests only) and a worker for each role",
    );
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    // A demo remembers nothing.
    let versions = tempfile::tempdir().context("a temporary folder")?;
    let plan = Plan {
        engine: any_port,
        worker: any_port,
        data: Data::Memory,
        versions: versions.path().to_owned(),
        cache: args.cache,
        components,
        watching: true,
        allow: vec![loopback()?],
        grants: GrantsFile::default(),
    };
    let local = Local::start(plan).await?;
    let activity = local.engine.activity();
    let samples = send_samples(&local, &root).await?;
    let display = Display::start("running the sample events");
    let Followed { reports, started } =
        follow(activity, args.timeout, |activity| display.show(activity)).await;
    display.end();
    local.shutdown().await;
    if let Some(sample) = samples.iter().find(|sample| !started.contains(&sample.id)) {
        bail!(
            "no function listens to the event {} of {}; check the function's triggers, and that its package is a \
             member of the workspace",
            sample.name,
            sample.file.display()
        );
    }
    let ok = reports.iter().all(|report| report.status == Status::Completed);
    Ok(answer::result(json, "demo", ok, &reports, &table(&reports)))
}

/// The folder to load: the one that was named, or the workspace's functions, built now.
pub(crate) async fn components(root: &Path, named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(folder) = named {
        return Ok(folder);
    }
    let folder = root.join("target").join("functions");
    workspace::build(root.to_owned(), folder.clone()).await?;
    Ok(folder)
}

/// What the samples ask for is on this machine.
pub(crate) fn loopback() -> anyhow::Result<Destination> {
    Ok("http://127.0.0.1:*".parse()?)
}

/// A sample event that was sent.
pub(crate) struct Sent {
    pub(crate) file: PathBuf,
    pub(crate) name: String,
    /// The engine's id of it.
    pub(crate) id: String,
}

/// What stands for the addresses in sample events.
pub(crate) fn places(engine: SocketAddr, worker: SocketAddr) -> [(&'static str, String); 4] {
    [
        ("ENGINE_URL", format!("http://{engine}")),
        ("ENGINE_ADDRESS", engine.to_string()),
        ("WORKER_URL", format!("http://{worker}")),
        ("WORKER_ADDRESS", worker.to_string()),
    ]
}

/// Sends every sample event.
pub(crate) async fn send_samples(local: &Local, root: &Path) -> anyhow::Result<Vec<Sent>> {
    let (engine, worker) = (local.engine.address(), local.worker()?);
    let places = places(engine, worker);
    let mut sent = Vec::new();
    for sample in workspace::samples(root, &places)? {
        let file = sample.file.strip_prefix(root).unwrap_or(&sample.file);
        answer::progress(&format!("• sending {}", file.display()));
        let ids = local.send(&sample.events).await?;
        let names = sample.events.iter().map(|event| event.name.to_string());
        sent.extend(names.zip(ids).map(|(name, id)| Sent { file: file.to_owned(), name, id }));
    }
    Ok(sent)
}
