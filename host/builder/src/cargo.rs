//! Cargo as a program.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::BuildError;

/// Cargo in a folder, without what the environment says about another build.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut command =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(folder);
    // Inside of a build script these describe the host's build, not ours.
    for name in
        ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"]
    {
        command.env_remove(name);
    }
    command
}

pub(crate) fn start_error(reason: std::io::Error) -> BuildError {
    BuildError::Start { program: "cargo".to_owned(), reason }
}
