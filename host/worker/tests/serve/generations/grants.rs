//! `GET /api/grants`: what components import, may use, and have used.

use reqwest::Method;
use runtime::Limits;
use runtime::capability::Granted;
use serde_json::json;

use super::{Field, reload, verdicts};
use crate::bus::deployed;
use crate::call::Request;
use crate::deployed::{Deployed, engine};

#[tokio::test]
async fn grants_lists_what_is_imported_and_what_is_granted() {
    let field = Field::of(deployed(&[guests::STEPS]).await, |_| {}).await;
    let seen = field.bus.send(Request::new(Method::GET, "/api/grants")).await.json();
    assert_eq!((&seen["generation"], &seen["strangers"]), (&json!(1), &json!([])));
    assert!(seen["since"].is_string(), "{seen}");
    let component = &seen["components"][0];
    assert_eq!(component["name"], "steps");
    // The tests allow requests to this machine for every component, so that no grant could be smaller.
    let row = json!({
        "capability": "http", "imported": true, "granted": true, "authority": true, "calls": 0, "denied": 0,
        "lost": 0
    });
    assert_eq!(component["capabilities"], json!([row]));
    assert_eq!((&component["lines"], &component["smaller"]), (&json!([]), &json!(null)));
    assert_eq!(seen["process"], std::process::id());
    field.end().await;
}

#[tokio::test]
async fn a_granted_component_that_goes_while_a_worker_runs_is_a_warning() {
    let mut granted = Granted::default();
    granted.name("versioned", false);
    granted.name("later", true);
    let runtime = engine(Limits::default(), Vec::new()).granting(granted);
    let deployed = Deployed::of(&runtime, &[guests::STEPS, guests::VERSIONED]).await;
    let field = Field::of(deployed, |_| {}).await;
    let warnings = async || field.bus.health().await["warnings"].to_string();
    let strangers = async || {
        let seen = field.bus.send(Request::new(Method::GET, "/api/grants")).await.json();
        seen["strangers"].clone()
    };
    assert!(!warnings().await.contains("the grants name"), "{}", warnings().await);
    assert_eq!(strangers().await, json!(["later"]));

    field.bus.deployed.remove("versioned");
    let report = field.bus.send(reload("")).await.json();
    assert!(verdicts(&report).contains(&("versioned", "removed")), "{report}");
    let said = warnings().await;
    assert!(
        said.contains("the grants name the component versioned, which is not active"),
        "{said}"
    );
    assert!(!said.contains("later"), "it may be missing: {said}");
    assert_eq!(strangers().await, json!(["later", "versioned"]));
    field.bus.assert_works().await;
    field.end().await;
}
