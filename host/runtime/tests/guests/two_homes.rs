use protocol::role::Role;

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
