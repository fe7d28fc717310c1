//! Components in memory: compiled once in a process, however many scenarios use them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use capabilities::shell::Launcher;
use capabilities::telemetry::Origin;
use capabilities::{Grants, Surroundings};
use protocol::digest::Digest;
use runtime::{Compilation, Component, Limits, Runtime, folder};
use tokio::runtime::{Builder, Runtime as Clockwork};
use tokio::sync::Mutex;

/// What drives instances and their clocks.
static CLOCKWORK: LazyLock<Clockwork> = LazyLock::new(|| {
    let built = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.expect("a test may have a thread")
});

/// Components by their bytes, and by where they may send requests.
type Loaded = HashMap<(Digest, Vec<String>), Arc<Component>>;

static LOADED: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);

pub(super) fn clockwork() -> &'static Clockwork {
    &CLOCKWORK
}

/// A component that is ready to be called. The error is what a worker would say.
pub(super) fn load(path: &Path, allowed: &[String]) -> Result<Arc<Component>, String> {
    clockwork().block_on(async {
        let bytes = folder::read(path).await.map_err(|error| error.to_string())?;
        let key = (Digest::of(&bytes), allowed.to_vec());
        // Held while it compiles: two tests that want the same one wait for one compilation.
        let mut loaded = LOADED.lock().await;
        if let Some(component) = loaded.get(&key) {
            return Ok(Arc::clone(component));
        }
        let runtime = runtime(allowed)?;
        let name = folder::name(path);
        let component = Component::load(&runtime, &name, bytes).await;
        let component = component.map_err(|error| error.to_string())?;
        loaded.insert(key, Arc::clone(&component));
        Ok(component)
    })
}

/// A runtime in which every capability is there and none is granted.
fn runtime(allowed: &[String]) -> Result<Runtime, String> {
    let program = std::env::current_exe().unwrap_or_default();
    // Nothing is ever written there: no grant names a folder.
    let nowhere = PathBuf::from("/nonexistent/system-bus-testing");
    let surroundings = Surroundings {
        scratch: nowhere.join("scratch"),
        folder: nowhere,
        launcher: Launcher::new(program, ["launch".into()]),
        origin: Origin { session: String::new(), system: "test".to_owned() },
    };
    let providers = capabilities::providers(&Arc::new(Grants::default()), &surroundings);
    let providers = providers.map_err(|error| error.to_string())?;
    let allowed = allowed.iter().filter_map(|text| text.parse().ok()).collect();
    let runtime =
        Runtime::with_providers(Limits::default(), allowed, Compilation::default(), providers);
    runtime.map_err(|error| error.to_string())
}
