//! What is asked of cargo, and how its answers are read.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::target::TARGET;
use crate::{BuildError, Which};

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn cargo(workspace: &Path) -> Command {
    let mut command =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(workspace);
    // Inside of a build script these describe the host's build, not ours.
    for name in
        ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"]
    {
        command.env_remove(name);
    }
    command
}

fn start_error(reason: std::io::Error) -> BuildError {
    BuildError::Start { program: "cargo".to_owned(), reason }
}

/// The names of the packages that hold the components meant.
pub(crate) fn packages(workspace: &Path, which: Which) -> Result<Vec<String>, BuildError> {
    let output = cargo(workspace)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(start_error)?;
    if !output.status.success() {
        return Err(BuildError::Cargo(output.status));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let root = workspace.canonicalize().unwrap_or_else(|_| workspace.to_owned()).join("functions");
    let testing = root.join("testing");
    let meant = |package: &Package| {
        let (below, kind) = match which {
            Which::Functions => (&root, "cdylib"),
            Which::Guests => (&testing, "example"),
        };
        package.manifest_path.starts_with(below)
            && package.targets.iter().any(|target| {
                target.kind.iter().any(|k| k == kind)
                    && target.crate_types.iter().any(|t| t == "cdylib")
            })
    };
    let mut names: Vec<_> =
        metadata.packages.into_iter().filter(meant).map(|package| package.name).collect();
    names.sort();
    Ok(names)
}

/// Builds the packages' components; answers with the files that cargo made.
pub(crate) fn build(
    workspace: &Path,
    which: Which,
    packages: &[String],
) -> Result<Vec<PathBuf>, BuildError> {
    let mut command = cargo(workspace);
    command.args(["build", "--target", TARGET, "--profile", "function"]);
    command.arg("--message-format=json-render-diagnostics");
    command.arg(match which {
        Which::Functions => "--lib",
        Which::Guests => "--examples",
    });
    for package in packages {
        command.args(["-p", package]);
    }
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(start_error)?;
    let mut files = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let message: Message = serde_json::from_str(&line.map_err(start_error)?)?;
            if message.reason == "compiler-artifact" {
                let made = message.filenames.into_iter();
                files.extend(made.filter(|file| file.extension().is_some_and(|e| e == "wasm")));
            }
        }
    }
    let status = child.wait().map_err(start_error)?;
    if status.success() { Ok(files) } else { Err(BuildError::Cargo(status)) }
}
