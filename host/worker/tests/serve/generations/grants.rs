//! `GET /api/grants`: what components import, may use, and have used.

use reqwest::Method;
use serde_json::json;

use super::Field;
use crate::bus::deployed;
use crate::call::Request;

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
        "capability": "http", "imported": true, "granted": true, "authority": true, "calls": 0, "denied": 0
    });
    assert_eq!(component["capabilities"], json!([row]));
    assert_eq!((&component["lines"], &component["smaller"]), (&json!([]), &json!(null)));
    assert_eq!(seen["process"], std::process::id());
    field.end().await;
}
