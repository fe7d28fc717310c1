//! `run replay`: a file that `run pull` wrote, against a component.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_trait::async_trait;
use protocol::digest::Digest;
use protocol::directory::Directory;
use protocol::op::{ErrorObject, Retry};
use protocol::recording::{Comparison, Recording, Replayed, Told};
use protocol::replay::Sending;
use registry::store::Versions;
use runtime::{Backstage, Component, Limits, Runtime, folder};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Replay;
use crate::answer;
use crate::granting::GrantsFile;

/// Code and run part.
const PART: u8 = 3;

/// What came of it.
#[derive(Serialize)]
struct Report<'r> {
    run: String,
    function: &'r str,
    component: &'r str,
    digest: Digest,
    /// How many steps are recorded.
    steps: usize,
    #[serde(flatten)]
    replayed: Replayed,
}

pub(crate) async fn run(args: Replay, json: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("{} cannot be read", args.file.display()))?;
    let recording = Recording::parse(&text).with_context(|| args.file.display().to_string())?;
    // Nothing is granted and nothing is kept: no body runs.
    let scratch = tempfile::tempdir().context("a temporary folder")?;
    let runtime = tokio::task::block_in_place(|| {
        let compilation = args.cache.compilation();
        GrantsFile::default().runtime(scratch.path(), Limits::default(), Vec::new(), compilation)
    })?;
    let component = component(&args, &recording, &runtime).await?;
    let replayed = compare(&recording, &component).await?;
    let same = replayed.is_same();
    let report = Report {
        run: recording.run.to_string(),
        function: recording.function.as_str(),
        component: component.name(),
        digest: component.digest(),
        steps: recording.steps.len(),
        replayed,
    };
    let code = answer::result(json, "run replay", same, &report, words(&report).trim_end());
    Ok(if same { code } else { ExitCode::from(PART) })
}

/// The component that is named, or the version that the run began with.
async fn component(
    args: &Replay,
    recording: &Recording,
    runtime: &Runtime,
) -> anyhow::Result<Arc<Component>> {
    let (name, bytes) = match (&args.component, &args.versions) {
        (Some(path), _) => (folder::name(path), folder::read(path).await?.into()),
        (None, Some(versions)) => began_with(versions, recording)?,
        (None, None) => bail!(
            "name the code with --component; or, with --versions and a recording that was pulled with --versions, take \
             the code that the run began with"
        ),
    };
    let component = Component::load(runtime, &name, bytes).await?;
    let known = component.functions().iter().map(|function| &function.id);
    if !known.clone().any(|id| *id == recording.function) {
        let known: Vec<_> = known.map(ToString::to_string).collect();
        bail!(
            "the component {name} has no function {}; it has {}",
            recording.function,
            known.join(", ")
        );
    }
    Ok(component)
}

fn began_with(
    versions: &Path,
    recording: &Recording,
) -> anyhow::Result<(String, protocol::digest::Hashed)> {
    let Some(digest) = recording.digest else {
        bail!(
            "the recording does not tell with which version its run began; pull it with --versions, or name the code with \
             --component"
        );
    };
    if !versions.is_dir() {
        bail!("{} is no folder; name the versions folder of the worker", versions.display());
    }
    let bytes = Versions::open(versions)?.get(&digest).with_context(|| {
        format!("{} does not hold the version {} any more", versions.display(), digest.short())
    })?;
    Ok((digest.short(), bytes))
}

async fn compare(recording: &Recording, component: &Component) -> anyhow::Result<Replayed> {
    let nobody = Arc::new(Nobody(Arc::new(Directory::new(recording.app.clone()))));
    let mut comparison = Comparison::new(recording);
    while let Some((call, rigour)) = comparison.next()? {
        let backstage = Arc::clone(&nobody) as Arc<dyn Backstage>;
        let called = component.invoke(&recording.function, call, backstage, rigour).await;
        comparison.told(match called {
            Ok(outcome) => Told::Outcome(outcome),
            Err(failed) => Told::Broke(failed.to_string()),
        });
    }
    Ok(comparison.end())
}

fn words(report: &Report<'_>) -> String {
    let Report { run, function, component, digest, steps, replayed } = report;
    let mut words = format!("run {run} of {function} against {component} ({})\n", digest.short());
    for step in &replayed.followed {
        // Writing to memory cannot fail.
        let kind = step.kind.unwrap_or("under its former name");
        let _ = writeln!(words, "  {:>4}  {} ({kind})", step.position, step.name);
    }
    match (&replayed.parting, &replayed.end) {
        (Some(parting), _) => {
            let _ = writeln!(words, "{parting}");
        }
        (None, Some(end)) => {
            let compared = if end.compared { ", as the run did" } else { "" };
            let _ = writeln!(words, "all {steps} steps fit; then this code {}{compared}", end.code);
        }
        (None, None) => {}
    }
    words
}

/// No way to a server: every new step is only planned.
struct Nobody(Arc<Directory>);

#[async_trait]
impl Backstage for Nobody {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.0)
    }

    async fn send(&self, _sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)> {
        let error = ErrorObject::new("OnlyPlanned", "nothing is sent while a run is replayed");
        Err((error, Retry::Never))
    }
}
