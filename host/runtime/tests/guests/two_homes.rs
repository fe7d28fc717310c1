use std::sync::Arc;

use protocol::role::Role;
use runtime::{Component, Generation};

use crate::call::{Made, load, runtime};

#[tokio::test]
async fn a_pin_moves_one_function_to_a_host_and_leaves_its_neighbour() {
    let component = load(&runtime(&[]), guests::TWO_HOMES).await.expect("a component");
    assert_eq!(component.placement().roles().collect::<Vec<_>>(), Role::ALL);
    for (function, home) in [("anywhere", Role::Cluster), ("asks-for-a-host", Role::Host)] {
        assert_eq!(component.home(&function.parse().expect("an id")), home, "{function}");
        let said = Made::default().told(&component, function).await;
        assert_eq!(said, format!("done {function:?}"));
    }
    assert_eq!(component.sdk(), Some("by-hand/1"));
}

#[tokio::test]
async fn a_function_that_another_component_has_is_refused_with_both_named() {
    let runtime = runtime(&[]);
    let bytes: Arc<[u8]> = std::fs::read(guests::TWO_HOMES).expect("a built guest").into();
    let mut generation = Generation::default();
    let first = Component::load(&runtime, "first", Arc::clone(&bytes)).await.expect("a component");
    generation.add(first).expect("nobody else is there");
    let second = Component::load(&runtime, "second", bytes).await.expect("a component");
    let said = generation.add(second).expect_err("its functions are there").to_string();
    assert!(
        said.contains("component second: function anywhere is already in component first"),
        "{said}"
    );
    assert_eq!(generation.components().len(), 1);
}
