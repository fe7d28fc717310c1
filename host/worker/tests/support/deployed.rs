//! A registry on folders of its own, as a worker has it: components are files, and a reload takes them up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::function::FunctionConfig;
use registry::folder::{Folder, FolderOptions};
use registry::source::Source;
use registry::{By, Registry, RegistryOptions, Report, Request};
use runtime::http::Destination;
use runtime::{Cache, Compilation, Compiler, Limits, Runtime};
use tempfile::TempDir;

/// The folders of a worker, and the registry that lives on them. The folders go with it.
pub(crate) struct Deployed {
    root: TempDir,
    pub(crate) registry: Arc<Registry>,
}

/// An engine that finds what earlier tests have compiled; compiling one guest takes longer than most tests.
pub(crate) fn engine(limits: Limits, allowed: Vec<Destination>) -> Runtime {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let cache = Cache::open(&place, 1 << 30).expect("a folder for compiled code");
    let compilation = Compilation::new(Compiler::InProcess, Some(cache));
    Runtime::with_compilation(limits, allowed, compilation).expect("an engine")
}

#[allow(dead_code, reason = "not all who include this change what is deployed")]
impl Deployed {
    /// A registry that has taken up these guests, each under the name of its file.
    pub(crate) async fn of(runtime: &Runtime, guests: &[&str]) -> Self {
        let deployed = Self::empty(runtime, |_| {});
        for guest in guests {
            deployed.place(guest);
        }
        deployed.reload().await;
        deployed
    }

    /// A registry with nothing, and with options that differ from the usual ones.
    pub(crate) fn empty(runtime: &Runtime, options: impl FnOnce(&mut RegistryOptions)) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let components = root.path().join("components");
        std::fs::create_dir(&components).expect("a folder");
        let versions = root.path().join("versions");
        let registry = Self::open(runtime, &components, versions, options);
        Self { root, registry }
    }

    /// One more registry that shares these folders, as another process would.
    pub(crate) fn beside(
        &self,
        runtime: &Runtime,
        options: impl FnOnce(&mut RegistryOptions),
    ) -> Arc<Registry> {
        Self::open(runtime, &self.components(), self.versions(), options)
    }

    fn open(
        runtime: &Runtime,
        components: &Path,
        versions: PathBuf,
        change: impl FnOnce(&mut RegistryOptions),
    ) -> Arc<Registry> {
        let folder = Folder::new(components, FolderOptions::default());
        let source = Source::new(Some(folder), None);
        let mut options = RegistryOptions::new(versions);
        // Nothing here is old before its test has ended, unless the test says so.
        options.idle = Duration::from_mins(10);
        change(&mut options);
        Registry::open(runtime.clone(), options, Some(source)).expect("a registry")
    }

    pub(crate) fn components(&self) -> PathBuf {
        self.root.path().join("components")
    }

    pub(crate) fn versions(&self) -> PathBuf {
        self.root.path().join("versions")
    }

    /// Puts a guest among the components, under the name of its file.
    pub(crate) fn place(&self, guest: &str) {
        let bytes = std::fs::read(guest).expect("a built guest");
        self.place_as(&name(guest), &bytes);
    }

    /// Puts bytes among the components, whole or not at all, in the place of what had the name.
    pub(crate) fn place_as(&self, name: &str, bytes: &[u8]) {
        let partial = self.root.path().join(format!("{name}.partial"));
        std::fs::write(&partial, bytes).expect("written");
        let place = self.components().join(format!("{name}.wasm"));
        std::fs::rename(partial, place).expect("renamed");
    }

    /// Takes a component away.
    pub(crate) fn remove(&self, name: &str) {
        let place = self.components().join(format!("{name}.wasm"));
        std::fs::remove_file(place).expect("it was there");
    }

    /// Takes up what is there.
    pub(crate) async fn reload(&self) -> Report {
        let request = Request { force: true, ..Request::by(By::Reload) };
        self.registry.reload(&request).await.expect("a reload")
    }

    /// The active functions, sorted by id.
    pub(crate) fn functions(&self) -> Vec<FunctionConfig> {
        let present = self.registry.present();
        let functions = present.functions();
        functions.filter_map(|(id, active)| active.config(id).cloned()).collect()
    }
}

/// What a guest's component is called.
pub(crate) fn name(guest: &str) -> String {
    Path::new(guest).file_stem().expect("a name").to_string_lossy().into_owned()
}
