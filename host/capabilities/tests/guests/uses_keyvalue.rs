//! Values by key: the same guest and the same tests with a real file and with a real Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capabilities::Grants;
use capabilities::keyvalue::{Provider, SetupError};
use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::redis_server::{RedisServer, free_port};
use crate::site::Site;

const GRANTS: &str = "[components.uses-keyvalue.keyvalue]\nbuckets = ['own']\nshared = ['all']";

/// A store, which goes with this value.
enum Place {
    File(TempDir),
    Redis(RedisServer),
}

impl Place {
    /// One of each kind.
    fn all() -> [Self; 2] {
        [Self::file(), Self::Redis(RedisServer::start())]
    }

    fn file() -> Self {
        Self::File(tempfile::tempdir().expect("a folder"))
    }

    /// A worker with this store.
    async fn site(&self, grants: &str) -> Site {
        let provider = match self {
            Self::File(folder) => provider(grants, folder, None),
            Self::Redis(server) => {
                let shared = Some(server.shared("5s"));
                let folder = tempfile::tempdir().expect("a folder");
                provider(&format!("{REDIS}{grants}"), &folder, shared)
            }
        };
        Site::new(guests::USES_KEYVALUE, vec![Arc::new(provider.expect("a provider"))]).await
    }
}

/// Says where values are to be kept; the server itself is handed over.
const REDIS: &str = "keyvalue = 'redis'\nredis.url = 'redis://127.0.0.1'\n";

fn provider(
    grants: &str,
    folder: &TempDir,
    server: Option<Arc<capabilities::redis::Shared>>,
) -> Result<Provider, SetupError> {
    let grants: Grants = capabilities::grants::parse(grants).expect("grants");
    Provider::new(Arc::new(grants), folder.path(), server)
}

#[tokio::test]
async fn both_versions_work_on_the_same_values() {
    for place in Place::all() {
        let site = place.site(GRANTS).await;
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
}

#[tokio::test]
async fn a_bucket_that_is_not_granted_or_is_anothers_cannot_be_opened() {
    let place = Place::file();
    let site = place.site(GRANTS).await;
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
    for place in Place::all() {
        let first = place.site(GRANTS).await;
        first.run("keeps", json!({"bucket": "own"})).await;
        drop(first);
        let again = place.site(GRANTS).await;
        assert_eq!(again.run("reads-one", json!({"bucket": "own"})).await, r#"done "swapped""#);
        assert_eq!(again.run("reads-one", json!({"bucket": "all"})).await, "done null");
    }
}

#[tokio::test]
async fn swaps_of_many_calls_of_two_workers_lose_nothing() {
    for place in Place::all() {
        let (one, other) = (place.site(GRANTS).await, place.site(GRANTS).await);
        let both = (0..8).flat_map(|_| [&one, &other]);
        let all = join_all(both.map(|site| site.run("swaps", json!({"bucket": "own"})))).await;
        assert!(all.iter().all(|answer| answer == "done null"), "{all:?}");
        let value = one.run("reads-one", json!({"bucket": "own"})).await;
        assert_eq!(value, format!("done \"{}\"", "x".repeat(16)));
    }
}

#[tokio::test]
async fn thousands_of_handles_and_a_flood_of_values_end_at_their_limits() {
    for place in Place::all() {
        let site = place.site(&format!("{GRANTS}\nbytes = '10KiB'")).await;
        let hoarded = site.run("hoards", json!({"bucket": "own"})).await;
        assert!(hoarded.contains("one call may have 1000 handles"), "{hoarded}");
        let filled = site.run("fills", json!({"bucket": "own"})).await;
        assert!(
            filled.contains("exhausted: ") && filled.contains("and may have 10240"),
            "{filled}"
        );
        // What was there before is there, and what did not fit is not.
        let read = site.run("reads-one", json!({"bucket": "own"})).await;
        assert_eq!(read, "done null");
    }
}

#[tokio::test]
async fn nothing_is_opened_outside_of_a_step() {
    let place = Place::file();
    let site = place.site(GRANTS).await;
    let raised = site.run("opens-outside", json!({"bucket": "own"})).await;
    assert!(raised.contains("keyvalue"), "{raised}");
    assert!(!raised.starts_with("done"), "{raised}");
}

#[tokio::test]
async fn a_redis_that_is_down_or_silent_is_an_error_and_nothing_hangs() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = format!("{REDIS}{GRANTS}");
    let nobody = format!("[redis]\nurl = 'redis://127.0.0.1:{}'\nwithin = '300ms'", free_port());
    let down = crate::redis_server::shared(&nobody);
    let server = RedisServer::with(&["--enable-debug-command", "local"]);
    let silent = server.shared("300ms");
    let asleep = server.stall(Duration::from_secs(5));
    let began = Instant::now();
    // Whether connecting or the answer takes too long is a matter of moments.
    for (shared, expected) in [(down, ["unavailable: "; 2]), (silent, ["late: ", "unavailable: "])]
    {
        let provider = provider(&grants, &folder, Some(shared)).expect("nothing is connected yet");
        let site = Site::new(guests::USES_KEYVALUE, vec![Arc::new(provider)]).await;
        let answer = site.run("reads-one", json!({"bucket": "own"})).await;
        assert!(
            expected.iter().any(|one| answer.contains(one))
                && answer.contains("Redis at 127.0.0.1"),
            "{answer}"
        );
    }
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    asleep.join().expect("it goes on");
}

#[tokio::test]
async fn what_redis_holds_is_out_of_reach_of_the_capability_redis() {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let grants = format!("{REDIS}{GRANTS}");
    let provider = provider(&grants, &folder, Some(server.shared("5s"))).expect("a provider");
    let site = Site::new(guests::USES_KEYVALUE, vec![Arc::new(provider)]).await;
    site.run("keeps", json!({"bucket": "own"})).await;
    // A percent sign in a component's name is written as `%25`, so no prefix begins as these do.
    let expected =
        ["%bytes:", "%names:", "%values:"].map(|kind| format!("{kind}{{own/uses-keyvalue/own}}"));
    assert_eq!(server.keys(), expected);
}

#[test]
fn redis_without_a_server_is_an_error_of_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(capabilities::grants::parse("keyvalue = 'redis'").is_err(), "no server is written");
    let refused = provider(REDIS, &folder, None).expect_err("no server");
    assert_eq!(refused, SetupError::NoServer);
}

#[tokio::test]
async fn the_sdk_answers_the_same_with_each_store() {
    for place in Place::all() {
        let site = place.site(GRANTS).await;
        let answer = site.run("with-sdk", json!({"bucket": "own"})).await;
        let json = answer.strip_prefix("done ").unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(
            serde_json::from_str::<Value>(json).expect("JSON"),
            json!({
                "got": b"1", "many": [["c", b"3"], ["gone", null], ["a", b"1"]], "gone": false,
                "current": b"other", "done": true, "updated": b"yz", "sum": 38, "keys": ["a", "n"],
            })
        );
        let denied = site.run("with-sdk", json!({"bucket": "other"})).await;
        assert!(denied.contains("CapabilityDenied") && denied.contains("`buckets`"), "{denied}");
    }
}

#[tokio::test]
async fn numbers_end_at_their_range_and_what_is_none_stays_with_each_store() {
    for place in Place::all() {
        let site = place.site(GRANTS).await;
        for (was, by, sum, then) in [
            (None, 5, json!(5), "5"),
            (Some("-3"), 3, json!(0), "0"),
            (Some("9223372036854775806"), 1, json!(i64::MAX), "9223372036854775807"),
            (Some("9223372036854775807"), 1, json!("Invalid"), "9223372036854775807"),
            (Some("-9223372036854775808"), -1, json!("Invalid"), "-9223372036854775808"),
            (Some("many"), 1, json!("Invalid"), "many"),
            (Some("007"), 1, json!("Invalid"), "007"),
            (Some("+7"), 1, json!("Invalid"), "+7"),
            (Some("-0"), 1, json!("Invalid"), "-0"),
            (Some(" 7"), 1, json!("Invalid"), " 7"),
            (Some("1.5"), 1, json!("Invalid"), "1.5"),
            (Some(""), 1, json!("Invalid"), ""),
        ] {
            let answer = site.run("adds", json!({"key": "n", "was": was, "by": by})).await;
            assert_eq!(answer, format!("done {}", json!([sum, then])), "{was:?} and {by}");
        }
    }
}

#[tokio::test]
async fn odd_keys_are_keys_like_others_and_none_is_empty_or_too_long_with_each_store() {
    let longest = "k".repeat(1024);
    let keys =
        ["\0", " ", "%names:{x}", "*", "..", "../own", "a", "a\0", "a\0b", &longest, "\u{10ffff}"];
    for place in Place::all() {
        let site = place.site(GRANTS).await;
        assert_eq!(site.run("keeps-under", json!(keys)).await, format!("done {}", json!(keys)));
        for wrong in ["", &"k".repeat(1025)] {
            let refused = site.run("keeps-under", json!([wrong])).await;
            assert!(refused.contains("a key has 1 to 1024 bytes"), "{refused}");
        }
    }
}

#[tokio::test]
async fn pages_of_thousands_of_keys_have_each_that_stays_once_with_each_store() {
    for place in Place::all() {
        let site = place.site(GRANTS).await;
        assert_eq!(site.run("pages", json!({})).await, "done [2500,2500]");
    }
}

#[tokio::test]
async fn a_question_has_a_thousand_keys_and_an_answer_sixteen_mebibytes_with_each_store() {
    for place in Place::all() {
        let site = place.site(GRANTS).await;
        let expected = json!([
            "Invalid", "Invalid", "Invalid", "Invalid", "done", "Invalid", "9437184", "false"
        ]);
        assert_eq!(site.run("exceeds", json!({})).await, format!("done {expected}"));
    }
}

#[tokio::test]
async fn thousands_of_watched_values_end_at_their_limit() {
    for place in Place::all() {
        let site = place.site(GRANTS).await;
        let hoarded = site.run("hoards-watched", json!({})).await;
        assert!(hoarded.contains("one call may have 1000 handles"), "{hoarded}");
        assert!(hoarded.contains("CapabilityExhausted"), "{hoarded}");
    }
}
