//! Builds the components of a workspace with cargo.
//!
//! Used by the binary (`build`, `demo`, `dev`) and by the build script of the test guests, so both do the same.
//! It knows cargo and rustup and nothing of what is inside a component.

mod cargo;
pub mod compile;
mod inputs;
pub mod message;
mod place;
mod profile;
pub mod project;
mod stop;
mod strip;
mod target;

use std::path::{Path, PathBuf};

pub use compile::{Compiled, Order, compile};
pub use inputs::inputs;
pub use message::{Finding, Said};
pub use place::{Others, Placed, Ready, place};
pub use profile::Profile;
pub use project::{Affected, Package, Project};
pub use stop::Stop;
pub use target::{TARGET, ensure};

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
    /// The folder belongs to no project that cargo can read.
    #[error("{folder} is no project of functions: {said}")]
    Project {
        /// The folder that was named.
        folder: PathBuf,
        /// What cargo says.
        said: String,
    },
    /// The compiler, or cargo itself, refuses the code.
    #[error("the components were not built ({status}){}", reasons(findings, said))]
    Failed {
        /// What the compiler says, error by error.
        findings: Vec<Finding>,
        /// What cargo says beside that.
        said: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// Somebody has ended the build.
    #[error("the build was ended before it was done")]
    Stopped,
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

/// What the compiler says; where it says nothing, what cargo does.
fn reasons(findings: &[Finding], said: &str) -> String {
    let rendered: Vec<_> = findings.iter().map(|finding| finding.rendered.as_str()).collect();
    let reasons = if rendered.is_empty() { said.to_owned() } else { rendered.join("\n\n") };
    if reasons.is_empty() { reasons } else { format!(":\n{reasons}") }
}

/// Builds components for use and puts them into `folder`, each named after its crate.
///
/// `say` is told in a few words what is going on, a line for each package that is compiled.
pub fn build(
    workspace: &Path,
    which: Which,
    folder: &Path,
    say: impl Fn(&str),
) -> Result<Vec<Placed>, BuildError> {
    target::ensure(workspace, &say)?;
    let project = Project::read(workspace)?;
    let packages = project.meant(which);
    if packages.is_empty() {
        return Err(BuildError::Nothing(workspace.to_owned()));
    }
    say(&format!("compiling {} to WebAssembly components", packages.join(", ")));
    let order =
        Order { project: &project, packages, which, profile: Profile::Function, colours: false };
    let compiled = compile(&order, &Stop::default(), |said| match said {
        Said::Finding(Finding { rendered, .. }) => say(rendered),
        // A build script's words are warnings, and the guests have a hundred dependencies.
        Said::Compiled { name, fresh: false, .. } if which == Which::Functions => {
            say(&format!("compiled {name}"));
        }
        Said::Compiled { .. } | Said::Words(_) => {}
    })?;
    let ready = compiled.components.iter().map(|made| Ready::read(made, true));
    place(&ready.collect::<Result<Vec<_>, _>>()?, folder, Others::Remove)
}
