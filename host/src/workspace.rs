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
    let mut files = Vec::new();
    for function in entries(&workspace.join("functions"))? {
        let events = function.join("events");
        if events.is_dir() {
            files.extend(
                entries(&events)?
                    .into_iter()
                    .filter(|file| file.extension().is_some_and(|e| e == "json")),
            );
        }
    }
    files.sort();
    files.into_iter().map(|file| sample(file, places)).collect()
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
