//! Builds the components of a workspace with cargo.
//!
//! Used by the binary (`build`, `demo`, `dev`) and by the build script of the test guests, so both do the same.
//! It knows cargo and rustup and nothing of what is inside a component.

mod cargo;
mod place;
mod target;

use std::path::{Path, PathBuf};

pub use place::Placed;
pub use target::TARGET;

/// Which components of a workspace are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The functions for use: libraries of kind `cdylib` below `functions/`.
    Functions,
    /// The fixtures of the tests: examples of kind `cdylib` below `functions/testing/`.
    Guests,
}

/// Why components were not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo or rustup could not be started.
    #[error(
        "{program} cannot be started: {reason}; install Rust from https://rustup.rs, then try again"
    )]
    Start {
        /// Which program.
        program: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The compiler has no standard library for components, and it could not be added.
    #[error(
        "the compiler's target {TARGET} is missing and could not be added: {reason}; run `rustup target add {TARGET}`"
    )]
    Target {
        /// What went wrong.
        reason: String,
    },
    /// Cargo answered with something else than JSON.
    #[error("cargo's answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
    /// Cargo failed; it has said why.
    #[error("cargo could not build the components ({0}); its own messages are above")]
    Cargo(std::process::ExitStatus),
    /// There is nothing to build.
    #[error(
        "{0} holds no components: no package below functions/ has a library of crate-type cdylib"
    )]
    Nothing(PathBuf),
    /// A file could not be written.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
}

/// Builds components and puts them into `folder`, each named after its crate.
///
/// `say` is told in a few words what is going on. Cargo writes its own progress to the standard error.
pub fn build(
    workspace: &Path,
    which: Which,
    folder: &Path,
    say: impl Fn(&str),
) -> Result<Vec<Placed>, BuildError> {
    target::ensure(workspace, &say)?;
    let packages = cargo::packages(workspace, which)?;
    if packages.is_empty() {
        return Err(BuildError::Nothing(workspace.to_owned()));
    }
    say(&format!("compiling {} to WebAssembly components", packages.join(", ")));
    let artifacts = cargo::build(workspace, which, &packages)?;
    place::place(&artifacts, folder)
}
