//! The cache and the compilers together. Each bad state of a file alone is tested beside the cache itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use runtime::{Compiler, Component};

use crate::{bytes, cache, child, compile, counts, runtime};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
}

#[tokio::test]
async fn what_a_child_compiled_is_taken_from_the_cache_by_the_next_process_and_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = bytes(guests::STEPS);
    let first = runtime(Compiler::Child(child()), cache(folder.path()));
    compile(&first, &guest).await.expect("compiled");
    assert_eq!(counts(&first), (0, 1));
    compile(&first, &guest).await.expect("cached");
    assert_eq!(counts(&first), (1, 1));

    // A program that cannot compile at all is enough now; and the code describes itself.
    let compiler = runtime::compile::Child::new("/nowhere", []);
    let next = runtime(Compiler::Child(compiler), cache(folder.path()));
    let component = Component::load(&next, "steps", guest.to_vec()).await.expect("loaded");
    assert!(!component.functions().is_empty());
    assert_eq!(counts(&next), (1, 0));
}

#[tokio::test]
async fn both_compilers_make_code_for_the_same_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = bytes(guests::CHANGED);
    compile(&runtime(Compiler::InProcess, cache(folder.path())), &guest).await.expect("compiled");
    let other = runtime(Compiler::Child(child()), cache(folder.path()));
    compile(&other, &guest).await.expect("cached");
    assert_eq!(counts(&other), (1, 0));
}

#[tokio::test]
async fn code_that_was_made_in_haste_runs_where_it_was_wanted_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = bytes(guests::STEPS);
    let hasty = || runtime(Compiler::Child(child().urgent()), cache(folder.path()));
    let component = Component::load(&hasty(), "steps", guest.to_vec()).await.expect("loaded");
    assert!(!component.functions().is_empty());
    let patient = runtime(Compiler::Child(child()), cache(folder.path()));
    compile(&patient, &guest).await.expect("compiled");
    assert_eq!(counts(&patient), (0, 1));
    // The one has not taken the place of the other.
    let again = hasty();
    compile(&again, &guest).await.expect("cached");
    assert_eq!(counts(&again), (1, 0));
}

#[tokio::test]
async fn a_corrupt_entry_is_compiled_again_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = bytes(guests::CHANGED);
    compile(&runtime(Compiler::InProcess, cache(folder.path())), &guest).await.expect("compiled");
    let [entry] = &entries(folder.path())[..] else { panic!("one entry") };
    let good = fs::read(entry).expect("an entry");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(entry, bad).expect("written");

    let next = runtime(Compiler::Child(child()), cache(folder.path()));
    compile(&next, &guest).await.expect("compiled again");
    assert_eq!(counts(&next), (0, 1));
    compile(&next, &guest).await.expect("cached");
    assert_eq!(counts(&next), (1, 1));
    assert_eq!(entries(folder.path()), std::slice::from_ref(entry));
}

#[tokio::test]
async fn two_processes_that_store_at_once_leave_one_good_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = bytes(guests::CHANGED);
    let one = runtime(Compiler::InProcess, cache(folder.path()));
    let other = runtime(Compiler::Child(child()), cache(folder.path()));
    let (first, second) = tokio::join!(compile(&one, &guest), compile(&other, &guest));
    first.expect("compiled");
    second.expect("compiled");
    let next = runtime(Compiler::InProcess, cache(folder.path()));
    compile(&next, &guest).await.expect("cached");
    assert_eq!(counts(&next), (1, 0));
    assert_eq!(entries(folder.path()).len(), 1);
}

#[tokio::test]
async fn the_same_component_asked_for_twice_at_once_is_compiled_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let guest = bytes(guests::CHANGED);
    let compilation = runtime::Compilation::at_once(
        Compiler::Child(child()),
        Some(cache(folder.path())),
        std::num::NonZeroUsize::MIN,
    );
    let limits = runtime::Limits::default();
    let runtime = runtime::Runtime::with_compilation(limits, Vec::new(), compilation);
    let runtime = runtime.expect("an engine");
    let (first, second) = tokio::join!(compile(&runtime, &guest), compile(&runtime, &guest));
    first.expect("compiled");
    second.expect("compiled");
    assert_eq!(counts(&runtime), (1, 1));
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_to_costs_only_the_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("cache");
    let cache = cache(&place);
    // Not even root can write into a folder that is gone.
    fs::remove_dir_all(&place).expect("removed");
    let runtime = runtime(Compiler::InProcess, cache);
    let guest = bytes(guests::CHANGED);
    for compiled in 1..=2 {
        compile(&runtime, &guest).await.expect("compiled");
        assert_eq!(counts(&runtime), (0, compiled));
    }
}

#[test]
fn a_worker_with_a_cache_folder_it_must_not_trust_says_so_and_works_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let components = tempfile::tempdir().expect("a folder");
    fs::write(components.path().join("broken.wasm"), b"no component").expect("written");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_system-bus"))
        .args(["worker", "--components"])
        .arg(components.path())
        .arg("--versions")
        .arg(components.path().join("versions"))
        .arg("--cache")
        .arg(folder.path())
        .env("INNGEST_DEV", "1")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    // It gets as far as the component, which its child compiler refuses.
    assert_eq!(said.matches("is not used for compiled code").count(), 1, "{said}");
    assert!(said.contains("others can write to it (mode 777)"), "{said}");
    assert!(said.contains("no component that can be used"), "{said}");
    assert_eq!(entries(folder.path()), Vec::<PathBuf>::new());
}
