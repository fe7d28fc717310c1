//! A folder of components, a versions folder, and registries on them.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use protocol::digest::Digest;
use protocol::id::{FunctionId, RunId};
use registry::folder::{Folder, FolderOptions};
use registry::source::Source;
use registry::{By, Registry, RegistryOptions, ReloadError, Report, Request, Verdict};
use runtime::Runtime;
use runtime::cache::Cache;
use runtime::compile::{Compilation, Compiler};
use runtime::limits::Limits;
use tempfile::TempDir;

/// Patience with a busy machine; nothing is expected to take that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How the guest that is changed here describes itself.
const DESCRIPTION: (&[u8], &[u8]) = (br#"{"sdk":"by-hand/1""#, br#""role":"host"}]}"#);

/// A component that says this of itself. Equal words make equal bytes.
pub(crate) fn saying(words: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(guests::TWO_HOMES).expect("the guest");
    let find = |part: &[u8]| bytes.windows(part.len()).position(|window| window == part);
    let from = find(DESCRIPTION.0).expect("where it begins");
    let to = find(DESCRIPTION.1).expect("where it ends") + DESCRIPTION.1.len();
    assert!(words.len() <= to - from, "no room for {words}");
    bytes[from..to].fill(b' ');
    bytes[from..from + words.len()].copy_from_slice(words.as_bytes());
    bytes
}

/// A component with these functions, in this version.
pub(crate) fn component(version: u32, functions: &[&str]) -> Vec<u8> {
    let function = |id: &&str| format!(r#"{{"id":"{id}","triggers":[{{"event":"t/x"}}]}}"#);
    let functions: Vec<_> = functions.iter().map(function).collect();
    saying(&format!(r#"{{"sdk":"v{version}","functions":[{}]}}"#, functions.join(",")))
}

/// A component with a good function and one whose retries are wrong.
pub(crate) fn half_faulty(good: &str, bad: &str) -> Vec<u8> {
    let trigger = r#""triggers":[{"event":"t/x"}]"#;
    saying(&format!(
        r#"{{"functions":[{{"id":"{good}",{trigger}}},{{"id":"{bad}",{trigger},"retries":0}}]}}"#
    ))
}

pub(crate) fn id(function: &str) -> FunctionId {
    function.parse().expect("a function id")
}

/// A run that was scheduled at this time, in milliseconds since 1970; the numbers tell runs of one time apart.
pub(crate) fn run_at(millis: u64, number: u128) -> RunId {
    ulid::Ulid::from_parts(millis, number).to_string().parse().expect("a run id")
}

/// A run that began with the last thing that the registry knows.
pub(crate) fn new_run(registry: &Registry, number: u128) -> RunId {
    let last = registry.present().history().last().expect("a line").at.as_millisecond();
    run_at(u64::try_from(last).expect("after 1970"), number)
}

/// Compiled code is kept from one run of the tests to the next.
pub(crate) fn runtime() -> Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let make = || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let cache = Cache::open(&folder, 256 << 20).expect("a cache");
        let compilation = Compilation::new(Compiler::InProcess, Some(cache));
        Runtime::with_compilation(Limits::default(), Vec::new(), compilation).expect("a runtime")
    };
    RUNTIME.get_or_init(make).clone()
}

/// The place of one system: its versions folder and a folder of components.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("functions")).expect("a folder");
        Self { dir }
    }

    pub(crate) fn options(&self) -> RegistryOptions {
        RegistryOptions::new(self.dir.path().join("versions"))
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("functions").join(format!("{name}.wasm"))
    }

    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.dir.path().join("functions")
    }

    pub(crate) fn stored(&self, digest: Digest) -> std::path::PathBuf {
        self.dir.path().join("versions/components").join(format!("{digest}.wasm"))
    }

    /// Publishes a component, and answers with its digest.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Digest {
        let beside = self.folder().join(format!(".{name}.tmp"));
        std::fs::write(&beside, bytes).expect("written");
        std::fs::rename(beside, self.path(name)).expect("renamed");
        Digest::of(bytes)
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("removed");
    }

    /// A registry on it, which has taken up what the log says.
    pub(crate) async fn open(&self) -> Arc<Registry> {
        self.open_with(self.options(), &self.folder()).await
    }

    /// One that looks at another folder.
    pub(crate) async fn open_with(&self, options: RegistryOptions, folder: &Path) -> Arc<Registry> {
        let settle = Duration::from_millis(5);
        let folder = Folder::new(folder, FolderOptions { settle, ..FolderOptions::default() });
        let source = Source::new(Some(folder), None);
        let registry = Registry::open(runtime(), options, Some(source)).expect("a registry");
        registry.adopt().await;
        registry
    }
}

/// An ordinary request.
pub(crate) fn ask() -> Request {
    Request::by(By::Reload)
}

pub(crate) async fn reload(registry: &Registry) -> Report {
    registry.reload(&ask()).await.expect("a reload")
}

pub(crate) async fn refused(registry: &Registry, request: &Request) -> ReloadError {
    registry.reload(request).await.expect_err("a refusal")
}

/// The verdict on each component, by name.
pub(crate) fn verdicts(report: &Report) -> Vec<(&str, Verdict)> {
    report.components.iter().map(|one| (one.name.as_str(), one.verdict)).collect()
}

/// Who has each function: its component and digest.
pub(crate) fn owners(registry: &Registry) -> Vec<(String, String, Digest)> {
    let present = registry.present();
    let functions = present.functions();
    functions.map(|(id, one)| (id.to_string(), one.component.clone(), one.base.digest())).collect()
}

/// What serves a function.
pub(crate) fn active(registry: &Registry, function: &str) -> Option<Digest> {
    registry.present().active(&id(function)).map(|active| active.base.digest())
}
