use protocol::digest::Digest;
use protocol::role::Role;
use runtime::LoadError;
use runtime::placement::Capability;
use serde_json::json;

use crate::call::{Made, load, runtime};

#[tokio::test]
async fn files_keep_a_component_out_of_clusters_and_it_finds_none_on_a_host() {
    let component = load(&runtime(&[]), guests::IMPORT_FILES).await.expect("a host takes it");
    let placement = component.placement();
    assert_eq!(placement.roles().collect::<Vec<_>>(), [Role::Host]);
    let forced: Vec<_> = placement.forced().collect();
    assert!(!forced.is_empty());
    for (role, import) in forced {
        assert_eq!(role, Role::Cluster);
        assert!(import.name.starts_with("wasi:filesystem/"), "{import}");
    }
    assert!(placement.grants().contains(&Capability::Fs));
    assert_eq!(component.home(&"reads".parse().expect("an id")), Role::Host);
    // A file that is there, looked for inside of a step and outside.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(std::fs::exists(path).expect("our own folder"));
    for function in ["reads", "reads-outside"] {
        let made = Made { data: json!({ "path": path }), ..Made::default() };
        let said = made.told(&component, function).await;
        assert!(said.contains("No such file or directory"), "{function}: {said}");
    }
}

#[tokio::test]
async fn a_part_of_a_component_may_be_a_file_that_is_still_being_written() {
    let bytes = std::fs::read(guests::IMPORT_FILES).expect("a built guest");
    let runtime = runtime(&[]);
    let half = bytes[..bytes.len() / 2].to_vec();
    let error = runtime::Component::load(&runtime, "half", half).await.expect_err("half of it");
    assert!(error.may_be_incomplete(), "{error}");
    assert!(error.to_string().starts_with("component half: its file ends too early"), "{error}");
    let whole = runtime::Component::load(&runtime, "whole", bytes.as_slice()).await;
    assert_eq!(whole.expect("all of it").digest(), Digest::of(&bytes));
}

#[tokio::test]
async fn what_nobody_gives_is_refused_before_anything_is_compiled() {
    let mut bytes = std::fs::read(guests::IMPORT_FILES).expect("a built guest");
    // The same length, so the rest of the file is as it was; the code below is left as it is and never looked at.
    for (known, other) in
        [("wasi:filesystem/types@", "wasi:filesystem/tapes@"), ("wasi:io/poll@", "wasi:io/pool@")]
    {
        let at = bytes.windows(known.len()).position(|part| part == known.as_bytes());
        let at = at.expect("it imports this");
        bytes[at..at + other.len()].copy_from_slice(other.as_bytes());
    }
    let error = runtime::Component::load(&runtime(&[]), "odd", bytes).await.expect_err("refused");
    let LoadError::Imports { refusals, .. } = &error else { panic!("{error}") };
    assert_eq!(refusals.0.len(), 2, "{error}");
    let said = error.to_string();
    assert!(said.contains("nearest is wasi:filesystem/types@0.2.12"), "{said}");
    assert!(said.contains("nearest is wasi:io/poll@0.2.12"), "{said}");
    assert!(said.ends_with("docs/placement.md lists what there is"), "{said}");
    assert!(!error.may_be_incomplete());
}
