//! The gate that every function of a provider stands behind, and what it counts.

use std::sync::Arc;

use capabilities::redis::Provider;
use runtime::capability::Used;
use runtime::placement::Capability;
use serde_json::json;

use crate::site::Site;

/// With nothing granted.
async fn site() -> Site {
    let grants = Arc::new(capabilities::grants::parse("").expect("no grants"));
    Site::new(guests::USES_GATE, vec![Arc::new(Provider::new(grants, None))]).await
}

#[tokio::test]
async fn every_call_is_counted_and_so_is_every_refusal() {
    let site = site().await;
    assert_eq!(site.run("asks", json!({ "times": 10_000 })).await, "done 0");
    let used = site.runtime.usage()["uses-gate"].of(Capability::Redis);
    assert_eq!(used, Used { calls: 10_000, denied: 10_000 });
}

#[tokio::test]
async fn what_stands_outside_of_a_step_is_refused_and_not_counted() {
    let site = site().await;
    let said = site.run("asks-outside", json!({})).await;
    assert!(said.starts_with("OutsideStep: ") && said.contains("uses_gate.rs:"), "{said}");
    let used = site.runtime.usage()["uses-gate"].of(Capability::Redis);
    assert_eq!(used, Used { calls: 0, denied: 0 });
}
