//! Values by key, in a real file.

use std::path::Path;
use std::sync::Arc;

use capabilities::Grants;
use capabilities::keyvalue::{Provider, SetupError};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::site::Site;

const GRANTS: &str = "[components.uses-keyvalue.keyvalue]\nbuckets = ['own']\nshared = ['all']";

fn provider(grants: &str, folder: &Path) -> Result<Provider, SetupError> {
    let grants: Grants = capabilities::grants::parse(grants).expect("grants");
    Provider::new(Arc::new(grants), folder)
}

async fn site(grants: &str, folder: &Path) -> Site {
    let provider = provider(grants, folder).expect("a provider");
    Site::new(guests::USES_KEYVALUE, vec![Arc::new(provider)]).await
}

#[tokio::test]
async fn both_versions_work_on_the_same_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(GRANTS, folder.path()).await;
    for bucket in ["own", "all"] {
        let answer = site.run("keeps", json!({"bucket": bucket})).await;
        let json = answer.strip_prefix("done ").unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(
            serde_json::from_str::<Value>(json).expect("JSON"),
            json!({
                "seen": "1", "three": 3, "two": 2, "many": 2, "found": 1, "many2": 1,
                "exists": false, "keys": ["a", "b", "n"], "keys2": ["a", "b", "n"],
                "current": "other", "swapped": "swapped",
            })
        );
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_granted_or_is_anothers_cannot_be_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(GRANTS, folder.path()).await;
    for bucket in ["other", "", "own/uses-keyvalue/own", "../other", "shared/all", "own\0"] {
        let answer = site.run("reads-one", json!({"bucket": bucket})).await;
        assert!(answer.contains("AccessDenied"), "{bucket}: {answer}");
    }
    let usage = site.runtime.usage();
    let used = usage["uses-keyvalue"].of(runtime::placement::Capability::Keyvalue);
    assert_eq!(used.denied, 6, "each is counted");
}

#[tokio::test]
async fn values_stay_when_the_worker_starts_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = site(GRANTS, folder.path()).await;
    first.run("keeps", json!({"bucket": "own"})).await;
    assert!(provider(GRANTS, folder.path()).is_err(), "one writer");
    drop(first);
    let again = site(GRANTS, folder.path()).await;
    assert_eq!(again.run("reads-one", json!({"bucket": "own"})).await, r#"done "swapped""#);
    assert_eq!(again.run("reads-one", json!({"bucket": "all"})).await, "done null");
}

#[tokio::test]
async fn swaps_of_many_calls_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(GRANTS, folder.path()).await;
    let all = join_all((0..16).map(|_| site.run("swaps", json!({"bucket": "own"})))).await;
    assert!(all.iter().all(|answer| answer == "done null"), "{all:?}");
    let value = site.run("reads-one", json!({"bucket": "own"})).await;
    assert_eq!(value, format!("done \"{}\"", "x".repeat(16)));
}

#[tokio::test]
async fn thousands_of_handles_and_a_flood_of_values_end_at_their_limits() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(&format!("{GRANTS}\nbytes = '10KiB'"), folder.path()).await;
    let hoarded = site.run("hoards", json!({"bucket": "own"})).await;
    assert!(hoarded.contains("one call may have 1000 handles"), "{hoarded}");
    let filled = site.run("fills", json!({"bucket": "own"})).await;
    assert!(filled.contains("and may have 10240"), "{filled}");
}

#[tokio::test]
async fn nothing_is_opened_outside_of_a_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(GRANTS, folder.path()).await;
    let raised = site.run("opens-outside", json!({"bucket": "own"})).await;
    assert!(raised.contains("keyvalue"), "{raised}");
    assert!(!raised.starts_with("done"), "{raised}");
}

#[test]
fn a_store_that_is_not_built_is_an_error_of_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = provider("keyvalue = 'redis'", folder.path()).expect_err("not built");
    assert_eq!(refused, SetupError::NotBuilt);
}
