//! The operator's file of grants → a runtime with everything that it allows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use capabilities::shell::Launcher;
use capabilities::telemetry::Origin;
use capabilities::{Grants, Surroundings};
use registry::Generation;
use runtime::http::Destination;
use runtime::{Compilation, Limits, Runtime};

/// Reads a file of grants; without one nothing is granted.
pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Grants> {
    let Some(path) = path else { return Ok(Grants::default()) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{}: the grants cannot be read", path.display()))?;
    match capabilities::grants::parse(&text) {
        Ok(grants) => Ok(grants),
        Err(error) => bail!("{} is no file of grants:\n{error}", path.display()),
    }
}

/// A runtime whose components may touch what the grants say. `versions` is the worker's own folder, beside which the
/// folders of runs are made. Blocks while the granted folders are opened.
pub(crate) fn runtime(
    grants: &Arc<Grants>,
    versions: &Path,
    limits: Limits,
    allow: Vec<Destination>,
    compilation: Compilation,
) -> anyhow::Result<Runtime> {
    let program = std::env::current_exe().context("where this program is")?;
    let surroundings = Surroundings {
        scratch: scratch(versions),
        folder: versions.to_owned(),
        launcher: Launcher::new(program, ["launch".into()]),
        origin: origin(),
    };
    let providers = capabilities::providers(grants, &surroundings).context("the grants")?;
    let runtime = Runtime::with_providers(limits, allow, compilation, providers)?;
    Ok(runtime.granting(grants.granted()))
}

/// Tells of the components that the grants name and that are not there. They come and go, so this is no error.
pub(crate) fn warn_of_strangers(grants: &Grants, present: &Generation) {
    let components = present.components();
    for (name, nearest) in grants.strangers(components.keys().copied()) {
        tracing::warn!(
            component = name,
            nearest,
            "the grants name a component that is not here; its grants wait for it"
        );
    }
}

/// The folders of runs, beside the versions folder.
fn scratch(versions: &Path) -> PathBuf {
    let mut name = versions.file_name().unwrap_or_default().to_owned();
    name.push("-scratch");
    versions.with_file_name(name)
}

fn origin() -> Origin {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    Origin {
        session: variable("SLOG_SESSION_ID").unwrap_or_default(),
        system: variable("SLOG_SYSTEM_ID").unwrap_or_else(machine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_with_everything_that_is_wrong_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("grants.toml");
        assert!(read(None).expect("nothing is granted").components.is_empty());
        let gone = format!("{:#}", read(Some(&path)).expect_err("not there"));
        assert!(gone.contains("grants.toml: the grants cannot be read"), "{gone}");
        std::fs::write(&path, "[rots.a]\n[wether]\n").expect("a file");
        let said = read(Some(&path)).expect_err("wrong").to_string();
        assert!(said.contains("line 1, column 2") && said.contains("line 2, column 2"), "{said}");
        std::fs::write(&path, "[components.a]\nfs = [{ root = 'scratch' }]").expect("a file");
        assert_eq!(read(Some(&path)).expect("sound").components.len(), 1);
    }

    #[test]
    fn the_folders_of_runs_are_beside_the_versions() {
        assert_eq!(scratch(Path::new("/a/versions")), Path::new("/a/versions-scratch"));
    }
}
