//! From a file of grants to what a worker says of its components.

use std::path::Path;
use std::sync::Arc;

use capabilities::shell::Launcher;
use capabilities::telemetry::Origin;
use capabilities::{Surroundings, grants, providers};
use runtime::placement::Capability;
use runtime::{Compilation, Component, Limits, Runtime};

/// A machine whose folders are all in this one.
pub(crate) fn surroundings(folder: &Path) -> Surroundings {
    Surroundings {
        scratch: folder.join("scratch"),
        folder: folder.to_owned(),
        launcher: Launcher::new(env!("CARGO_BIN_EXE_launch"), []),
        origin: Origin { session: String::new(), system: "mini".to_owned() },
    }
}

/// The guest that uses files, in a runtime with all providers of these grants.
async fn loaded(text: &str) -> Arc<Component> {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = Arc::new(grants::parse(text).expect("sound grants"));
    let surroundings = surroundings(folder.path());
    let providers = providers(&grants, &surroundings).expect("providers");
    let runtime =
        Runtime::with_providers(Limits::default(), Vec::new(), Compilation::default(), providers);
    let runtime = runtime.expect("an engine").granting(grants.granted());
    let bytes = std::fs::read(guests::USES_FS).expect("a built guest");
    Component::load(&runtime, "uses_fs", bytes).await.expect("it is loaded, granted or not")
}

#[tokio::test]
async fn what_is_imported_and_not_granted_is_known_and_the_component_is_loaded() {
    let none = loaded("[components.another]\nfs = [{ root = 'scratch' }]").await;
    assert!(none.ungranted().contains(&Capability::Fs));
    let granted = loaded("[components.uses_fs]\nfs = [{ root = 'scratch' }]").await;
    assert!(!granted.ungranted().contains(&Capability::Fs));
}

#[test]
fn a_root_that_is_not_there_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!("[roots.notes]\npath = {:?}", folder.path().join("gone"));
    let grants = Arc::new(grants::parse(&text).expect("sound grants"));
    let surroundings = surroundings(folder.path());
    let error = providers(&grants, &surroundings).err().expect("it is not there").to_string();
    assert!(error.contains("`notes`"), "{error}");
}
