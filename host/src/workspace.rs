//! The workspace with the functions: where it is, and what it holds for demos.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::event::NewEvent;

/// The nearest folder upwards that has `functions/` beside a `Cargo.toml`.
pub(crate) fn find() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder is unknown")?;
    let found = here
        .ancestors()
        .find(|dir| dir.join("functions").is_dir() && dir.join("Cargo.toml").is_file());
    match found {
        Some(workspace) => Ok(workspace.to_owned()),
        None => bail!(
            "no workspace with a functions/ folder here or above {}; run this in a clone of the repository",
            here.display()
        ),
    }
}

/// Builds the workspace's functions into a folder.
pub(crate) async fn build(
    workspace: PathBuf,
    folder: PathBuf,
) -> anyhow::Result<Vec<builder::Placed>> {
    let say = |words: &str| crate::answer::progress(&format!("• {words}"));
    let built = tokio::task::spawn_blocking(move || {
        builder::build(&workspace, builder::Which::Functions, &folder, say)
    });
    Ok(built.await.context("building was interrupted")??)
}

/// A sample event of a function, with its places filled in.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) file: PathBuf,
    pub(crate) events: Vec<NewEvent>,
}

/// The sample events of all functions: `functions/*/events/*.json`, sorted by path.
///
/// `places` are names and values; `${NAME}` in a file is replaced by the value.
pub(crate) fn samples(workspace: &Path, places: &[(&str, String)]) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for function in entries(&workspace.join("functions"))? {
        samples.extend(samples_in(&function, places)?);
    }
    samples.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(samples)
}

/// The sample events of one function: `events/*.json` in its folder, sorted by path.
pub(crate) fn samples_in(
    function: &Path,
    places: &[(&str, String)],
) -> anyhow::Result<Vec<Sample>> {
    let events = function.join("events");
    if !events.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = entries(&events)?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    files.into_iter().map(|file| sample(file, places)).collect()
}

/// The folders of the functions of the workspace that the current folder belongs to, if it does.
pub(crate) fn functions() -> Vec<PathBuf> {
    let found = find().and_then(|workspace| entries(&workspace.join("functions")));
    let mut folders = found.unwrap_or_default();
    folders.sort();
    folders
}

fn sample(file: PathBuf, places: &[(&str, String)]) -> anyhow::Result<Sample> {
    let mut text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    for (name, value) in places {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    let events =
        NewEvent::parse_all(text.as_bytes()).with_context(|| file.display().to_string())?;
    Ok(Sample { file, events })
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    read.map(|entry| Ok(entry?.path())).collect()
}
