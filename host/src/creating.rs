//! A new function: its folder, with everything that it needs to be built and tested.

mod manifest;
mod name;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

pub(crate) use self::manifest::Sdk;
use self::manifest::{Surroundings, manifest};
pub(crate) use self::name::Name;

/// What goes into the folder beside the manifest: paths and templates.
const FILES: [(&str, &str); 4] = [
    ("src/lib.rs", include_str!("creating/template/lib.rs.txt")),
    ("src/tests.rs", include_str!("creating/template/tests.rs.txt")),
    ("events/requested.json", include_str!("creating/template/requested.json.txt")),
    ("README.md", include_str!("creating/template/README.md.txt")),
];

/// A function that was made.
#[derive(Debug)]
pub(crate) struct Created {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The files in it, relative to the folder.
    pub(crate) files: Vec<PathBuf>,
    /// The workspace that it is a member of, if it is one.
    pub(crate) workspace: Option<PathBuf>,
}

/// Where a function goes when nobody says: beside the other functions of the workspace, or else into the current folder.
pub(crate) fn place_for(name: &Name, here: &Path) -> PathBuf {
    let workspace = here
        .ancestors()
        .find(|dir| dir.join("functions").is_dir() && dir.join("Cargo.toml").is_file());
    let beside = workspace.map(|workspace| workspace.join("functions"));
    let below = || Some(here.join("functions")).filter(|folder| folder.is_dir());
    beside.or_else(below).unwrap_or_else(|| here.to_owned()).join(name.as_str())
}

/// Makes a function in a folder that is not there yet.
///
/// Cargo itself makes the package, so that it becomes a member of the workspace it lies in, where there is one.
pub(crate) fn create(name: &Name, folder: &Path, sdk: Option<Sdk>) -> anyhow::Result<Created> {
    if folder.exists() {
        bail!(
            "{} is there already, and nothing is overwritten; choose another name, or remove it first",
            folder.display()
        );
    }
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["new", "--quiet", "--lib", "--vcs", "none", "--name", name.as_str()])
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .context("cargo cannot be started; install Rust from https://rustup.rs, then try again")?;
    if !output.status.success() {
        bail!(
            "cargo cannot make {}:\n{}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let surroundings = Surroundings::of(folder)?;
    let mut files =
        vec![(PathBuf::from("Cargo.toml"), manifest(name, &surroundings, sdk, folder)?)];
    files.extend(FILES.iter().map(|(path, text)| (PathBuf::from(path), name.fill(text))));
    if surroundings.workspace.is_none() {
        files.push((PathBuf::from(".gitignore"), "/target/\n/.system-bus/\n".to_owned()));
    }
    for (path, text) in &files {
        let path = folder.join(path);
        let write = || {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&path, text)
        };
        write().with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let files = files.into_iter().map(|(path, _)| path).collect();
    Ok(Created { folder: folder.to_owned(), files, workspace: surroundings.workspace })
}
