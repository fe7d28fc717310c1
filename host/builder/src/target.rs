//! The compiler's target for components: there, or added.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BuildError;

/// The target components are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Adds the target to the toolchain in use, unless it is there. A toolchain file names it, but rustup reads that only
/// when it installs the toolchain.
pub fn ensure(workspace: &Path, say: impl Fn(&str)) -> Result<(), BuildError> {
    if library(workspace)?.is_some_and(|library| library.is_dir()) {
        return Ok(());
    }
    say(&format!("adding the target {TARGET} to the Rust toolchain (once)"));
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(workspace)
        .output()
        .map_err(|reason| BuildError::Target {
            reason: format!("rustup cannot be started: {reason}"),
        })?;
    if added.status.success() {
        return Ok(());
    }
    Err(BuildError::Target { reason: String::from_utf8_lossy(&added.stderr).trim().to_owned() })
}

/// Where the compiler in use keeps the target's standard library, if it knows the target at all.
fn library(workspace: &Path) -> Result<Option<PathBuf>, BuildError> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(workspace)
        .output()
        .map_err(|reason| BuildError::Start { program: "rustc".to_owned(), reason })?;
    let path = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success().then(|| PathBuf::from(path.trim())))
}
