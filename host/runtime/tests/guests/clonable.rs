//! The components that tests make of one: they run, and are what they were made to be.

use serde_json::json;

use crate::call::{Made, runtime};
use crate::clone::Artifact;

#[tokio::test]
async fn one_component_becomes_many_that_differ_in_function_version_size_and_digest() {
    let runtime = runtime(&[]);
    let original = Artifact::read(guests::CLONABLE);
    let larger = original.bytes().len() + 100_000;
    let mut digests = Vec::new();
    for (name, version) in [("clone-1-", "first"), ("clone-2-", "second"), ("clone-2-", "third")] {
        let (made, id) = original.clone().version(version).filled_to(larger).function(name);
        assert_eq!(made.bytes().len(), larger);
        let component = runtime::Component::load(&runtime, name, made.bytes().to_vec());
        let component = component.await.expect("it loads");
        let ids: Vec<_> = component.functions().iter().map(|f| f.id.as_str().to_owned()).collect();
        assert_eq!(ids, [id.as_str()]);
        let made = Made { data: json!({}), ..Made::default() };
        assert_eq!(made.told(&component, &id).await, format!("ran before {version:?}"));
        digests.push(component.digest());
    }
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 3);
}

#[tokio::test]
async fn half_a_component_is_none() {
    let half = Artifact::read(guests::CLONABLE).half();
    assert!(runtime::Component::load(&runtime(&[]), "half", half.bytes().to_vec()).await.is_err());
}
