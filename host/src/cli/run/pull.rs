//! `run pull`: a run of the server as a file.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use protocol::recording::{Exactness, Recording};
use registry::log::LogFile;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Pull;
use crate::granting::GrantsFile;
use crate::{answer, asking};

/// What became of it.
#[derive(Serialize)]
struct Report<'r> {
    run: String,
    function: &'r str,
    status: protocol::recording::RecordedStatus,
    steps: usize,
    memos: Exactness,
    /// How many values were replaced: at the paths, and texts that held a secret.
    redacted: usize,
    secrets: usize,
    /// The file, or else the recording itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'r Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording: Option<Box<RawValue>>,
}

pub(crate) async fn run(args: Pull, json: bool) -> anyhow::Result<ExitCode> {
    let Pull { id, out, server, redact, grants, versions } = args;
    let inngest = server.environment()?;
    let recorded = server.server()?.record(id).await;
    let recorded = recorded.map_err(|error| asking::explained(&format!("run {id}"), error))?;
    let vault = inngest.as_ref().and_then(|inngest| inngest.vault.as_deref());
    let mut recording = recorded.opened(vault)?;
    if recording.events.is_empty() {
        bail!(
            "the server does not tell the events of run {id} any more, without which nothing replays it"
        );
    }
    if let Some(versions) = &versions {
        recording.digest = began_with(versions, &recording)?;
    }
    let redacted = recording.redact(&redact);
    let secrets = without_secrets(&mut recording, grants.as_deref())?;
    let text = recording.to_json();
    if let Some(out) = &out {
        write(out, &text)?;
    } else if !json {
        answer::print_line(text.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let report = Report {
        run: id.to_string(),
        function: recording.function.as_str(),
        status: recording.status,
        steps: recording.steps.len(),
        memos: recording.memos,
        redacted,
        secrets,
        file: out.as_deref(),
        recording: if out.is_none() { Some(RawValue::from_string(text)?) } else { None },
    };
    Ok(answer::result(json, "run pull", true, &report, &words(&report)))
}

/// The version that a run began with, by the activation log of its worker.
fn began_with(
    versions: &Path,
    recording: &Recording,
) -> anyhow::Result<Option<protocol::digest::Digest>> {
    if !versions.is_dir() {
        bail!("{} is no folder; name the versions folder of the worker", versions.display());
    }
    let log = LogFile::open(versions)?;
    Ok(log.history().began(&recording.function, recording.run))
}

/// Replaces what stands in the secrets of a file of grants by their names; in how many texts.
fn without_secrets(recording: &mut Recording, grants: Option<&Path>) -> anyhow::Result<usize> {
    let Some(guard) = GrantsFile::read(grants)?.guard()? else { return Ok(0) };
    let mut count = 0;
    recording.replace_texts(&mut |text| {
        let secrets = guard.secrets_in(text.as_bytes());
        if secrets.is_empty() {
            return None;
        }
        count += 1;
        let (mut told, mut from) = (Vec::new(), 0);
        for secret in secrets {
            told.extend_from_slice(&text.as_bytes()[from..secret.at.start]);
            told.extend_from_slice(format!("[secret {}]", secret.name).as_bytes());
            from = secret.at.end;
        }
        told.extend_from_slice(&text.as_bytes()[from..]);
        Some(String::from_utf8_lossy(&told).into_owned())
    });
    Ok(count)
}

/// Writes a file that is there as a whole or not at all, and that nobody else may read: it holds what a run worked with.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let what = || format!("{} cannot be written", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(what)?;
    file.write_all(text.as_bytes()).with_context(what)?;
    file.persist(path).with_context(what)?;
    Ok(())
}

fn words(report: &Report<'_>) -> String {
    let Report { run, function, status, steps, redacted, secrets, .. } = report;
    let file = report.file.map(|file| file.display().to_string()).unwrap_or_default();
    let exact = match report.memos {
        Exactness::State => "as calls carry it",
        Exactness::Trace => {
            "put together from its trace: numbers and plain values may differ in form"
        }
    };
    let status = format!("{status:?}").to_lowercase();
    let replaced = match (redacted, secrets) {
        (0, 0) => "nothing was redacted".to_owned(),
        (values, texts) => format!("{values} values redacted, {texts} texts without a secret"),
    };
    format!(
        "{file}: run {run} of {function}, {status}, {steps} steps, {exact}; {replaced}. Replay it with `system-bus run \
         replay {file} --component COMPONENT`"
    )
}
