//! The operator's file of grants → a runtime with everything that it allows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use capabilities::grants::GrantsError;
use capabilities::shell::Launcher;
use capabilities::telemetry::Origin;
use capabilities::{Grants, Surroundings};
use registry::Registry;
use runtime::http::Destination;
use runtime::{Compilation, Guard, Limits, Runtime};

/// The operator's file, read; or none, and then nothing is granted.
#[derive(Debug, Default)]
pub(crate) struct GrantsFile {
    /// None where there is no file.
    path: Option<PathBuf>,
    grants: Arc<Grants>,
}

impl GrantsFile {
    /// Reads a file of grants, if there is one.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{}: the grants cannot be read", path.display()))?;
        match capabilities::grants::parse(&text) {
            Ok(grants) => Ok(Self { path: Some(path.to_owned()), grants: Arc::new(grants) }),
            Err(error) => bail!("{} is no file of grants:\n{error}", path.display()),
        }
    }

    /// What it says.
    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Fails where the file names what this machine does not have.
    pub(crate) fn check_machine(&self) -> anyhow::Result<()> {
        self.grants
            .check_machine()
            .map_err(|error| self.named("what this machine does not have", error))
    }

    /// The same with programs, for who checks a file.
    pub(crate) fn check_whole_machine(&self) -> anyhow::Result<()> {
        let checks = [self.grants.check_machine(), self.grants.check_programs()];
        let problems = checks.into_iter().filter_map(Result::err).flat_map(|error| error.0);
        let mut problems: Vec<_> = problems.collect();
        problems.sort();
        if problems.is_empty() {
            return Ok(());
        }
        Err(self.named("what this machine does not have", GrantsError(problems)))
    }

    /// An error of the file, with its name.
    fn named(&self, what: &str, error: GrantsError) -> anyhow::Error {
        match &self.path {
            Some(path) => anyhow!("{} names {what}:\n{error}", path.display()),
            None => error.into(),
        }
    }

    /// A runtime whose components may touch what the grants say. `versions` is the worker's own folder, beside which the
    /// folders of runs are made. Blocks while the granted folders are opened.
    pub(crate) fn runtime(
        &self,
        versions: &Path,
        limits: Limits,
        allow: Vec<Destination>,
        compilation: Compilation,
    ) -> anyhow::Result<Runtime> {
        self.check_machine()?;
        let program = std::env::current_exe().context("where this program is")?;
        let surroundings = Surroundings {
            scratch: scratch(versions),
            folder: versions.to_owned(),
            launcher: Launcher::new(program, ["launch".into()]),
            origin: origin(),
        };
        let providers =
            capabilities::providers(&self.grants, &surroundings).context("the grants")?;
        let runtime = Runtime::with_providers(limits, allow, compilation, providers)?;
        Ok(runtime.granting(self.grants.granted()))
    }

    /// What knows the secrets of the file, where it has any. Nothing is granted to anybody.
    pub(crate) fn guard(&self) -> anyhow::Result<Option<Arc<dyn Guard>>> {
        if self.path.is_none() {
            return Ok(None);
        }
        let program = std::env::current_exe().context("where this program is")?;
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let surroundings = Surroundings {
            scratch: folder.path().join("scratch"),
            folder: folder.path().to_owned(),
            launcher: Launcher::new(program, ["launch".into()]),
            origin: origin(),
        };
        let providers =
            capabilities::providers(&self.grants, &surroundings).context("the grants")?;
        Ok(providers.iter().find_map(|provider| provider.guard()))
    }

    /// Fails where the file names a component that is not among these and may not be missing.
    pub(crate) fn check_components<'n>(
        &self,
        known: impl IntoIterator<Item = &'n str>,
    ) -> anyhow::Result<()> {
        let checked = self.grants.check_components(known);
        checked.map_err(|error| self.named("what is not there", error))
    }

    /// The same for what a start has found. What was found and cannot be used counts: why it is left out is told
    /// elsewhere, and is no slip of who wrote the grants.
    pub(crate) fn check_found(&self, registry: &Registry) -> anyhow::Result<()> {
        let (present, rejected) = (registry.present(), registry.rejected());
        let active = present.components().into_keys();
        let absent = present.absent().iter().map(|absent| &*absent.component);
        let refused = present.refused().map(|(component, _)| component);
        let rejected = rejected.keys().map(String::as_str);
        self.check_components(active.chain(absent).chain(refused).chain(rejected))
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
        let read = GrantsFile::read;
        assert!(read(None).expect("nothing is granted").grants().components.is_empty());
        let gone = format!("{:#}", read(Some(&path)).expect_err("not there"));
        assert!(gone.contains("grants.toml: the grants cannot be read"), "{gone}");
        std::fs::write(&path, "[rots.a]\n[wether]\n").expect("a file");
        let said = read(Some(&path)).expect_err("wrong").to_string();
        assert!(said.contains("line 1, column 2") && said.contains("line 2, column 2"), "{said}");
        std::fs::write(&path, "[components.a]\nfs = [{ root = 'scratch' }]").expect("a file");
        let sound = read(Some(&path)).expect("sound");
        assert_eq!(sound.grants().components.len(), 1);
        assert!(sound.check_components(["a", "b"]).is_ok());
        let said = sound.check_components(["b"]).expect_err("it is not there").to_string();
        assert!(said.contains("grants.toml names what is not there:\nline 1, column 13"), "{said}");
    }

    #[test]
    fn the_folders_of_runs_are_beside_the_versions() {
        assert_eq!(scratch(Path::new("/a/versions")), Path::new("/a/versions-scratch"));
    }
}
