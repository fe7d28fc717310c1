//! One function id in two components.

use serde_json::json;

use super::{Field, verdicts};
use crate::bus::deployed;
use crate::clone::Artifact;

#[tokio::test]
async fn of_two_new_components_with_one_function_neither_is_served() {
    let deployed = deployed(&[guests::STEPS, guests::CHANGED, guests::TWO_HOMES]).await;
    let field = Field::of(deployed, |_| {}).await;
    let health = field.bus.health().await;
    assert_eq!(
        (&health["status"], &health["functions"]),
        (&json!("degraded"), &json!(["anywhere"]))
    );
    let duplicates = health["duplicates"].as_array().expect("a list");
    assert_eq!(duplicates.len(), 2, "{duplicates:?}");
    let said = duplicates[0].as_str().expect("a sentence");
    assert!(said.contains("changed") && said.contains("already in component steps"), "{said}");
    assert_eq!(health["registration"]["functions"], 1);
    // With one of them gone, the other comes.
    field.bus.deployed.remove("changed");
    field.bus.deployed.reload().await;
    assert_eq!(field.bus.health().await["duplicates"], json!([]));
    field.bus.assert_works().await;
    field.end().await;
}

#[tokio::test]
async fn a_function_stays_with_the_component_that_has_it_and_nothing_is_registered_anew() {
    let field = Field::of(deployed(&[guests::STEPS]).await, |options| {
        // Only a change could be the reason for another registration.
        options.look_again = std::time::Duration::from_mins(10);
    })
    .await;
    let wanted = field.bus.running.wanted();
    let report = field.deploy("changed", &Artifact::read(guests::CHANGED)).await;
    assert_eq!(verdicts(&report), [("changed", "rejected"), ("steps", "unchanged")]);
    assert_eq!(report["generation"], json!({"before": 1, "after": 1}));
    let health = field.bus.health().await;
    let duplicates = health["duplicates"].to_string();
    assert!(duplicates.contains("changed") && duplicates.contains("component steps"), "{health}");
    assert_eq!(health["status"], "degraded");
    assert_eq!(field.bus.running.wanted(), wanted);
    assert_eq!(field.server.memory().registrations.len(), 1);
    field.bus.assert_works().await;
    field.end().await;
}
