//! Every view with no rows, with one, and with ten thousand.

use engine::{Engine, Options};
use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::scene::client::Client;
use crate::scene::worker::{Worker, done};
use crate::{CHECKS, LOOKS};

/// What a worker tells that has so many functions and lines in its log.
fn tells(worker: &Worker, rows: usize) {
    let digest = "0123456789ab".repeat(6);
    let id = |n: usize| format!("f{n}");
    let functions: Vec<Value> = (0..rows)
        .map(|n| json!({"id": id(n), "component": "shop", "home": "cluster", "mode": "pinned"}))
        .collect();
    worker.tells("functions", json!({"functions": functions}));
    let versions: Vec<Value> = (0..rows)
        .map(|n| json!({"function": id(n), "component": "shop", "digest": digest}))
        .collect();
    let history: Vec<Value> = (0..rows)
        .map(|n| json!({"at": "2026-11-22T13:00:00Z", "function": id(n), "digest": digest, "by": "a", "why": "new"}))
        .collect();
    let told =
        json!({"generation": 1, "digest": digest, "functions": versions, "history": history});
    worker.tells("generations", told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_takes_no_rows_and_one_and_ten_thousand() {
    let Some(mut browser) = Browser::start().await else { return };
    let worker = Worker::start(None, |_| done(Value::Null)).await;
    let options =
        Options { listen: "127.0.0.1:0".parse().expect("an address"), ..Options::default() };
    let engine = Engine::start(options).await.expect("an engine");
    let client = Client::of(&engine);
    let mut problems = Vec::new();
    let mut sent = 0;
    for rows in [0, 1, 10_000] {
        tells(&worker, rows);
        if rows > 0 {
            let functions: Vec<Value> = (0..rows)
                .map(|n| {
                    // Of all runs one begins, and the others wait: they are there without being called.
                    let event = if n == 0 { "a/b".to_owned() } else { format!("a/b.{n}") };
                    let mut function =
                        worker.function(&format!("shop-f{n}"), &json!([{"event": event}]), 1);
                    function["throttle"] = json!({"limit": 1, "period": "1h"});
                    function
                })
                .collect();
            client.register("shop", &functions).await;
        }
        while sent < rows {
            let events = vec![json!({"name": "a/b", "data": {}}); 500.min(rows - sent)];
            assert_eq!(client.post("/e/key", &json!(events)).await.0, 200);
            sent += events.len();
        }
        for (path, shown) in [
            ("/", rows.min(50)),
            ("/events", rows.min(50)),
            ("/functions", rows),
            ("/generations", 2 * rows),
            ("/send", 0),
        ] {
            for look in [&LOOKS[0], &LOOKS[3]] {
                let place = format!("{path} with {rows} rows at {}", look.name);
                browser.look(look).await;
                browser.open(&format!("http://{}{path}", engine.address())).await;
                let count = browser.evaluate("document.querySelectorAll('tbody tr').length").await;
                // An engine has events of its own: that the one run has ended.
                let count = count.as_u64().and_then(|count| usize::try_from(count).ok());
                let count = count.expect("a number");
                assert!(
                    count == shown || (path == "/events" && count == shown + 1),
                    "{place}: {count}"
                );
                let found = browser.evaluate(CHECKS).await;
                let found = found.as_array().unwrap_or_else(|| panic!("{place}: {found}")).clone();
                problems.extend(found.iter().map(|problem| format!("{place}: {problem}")));
            }
        }
    }
    problems.extend(browser.errors().iter().map(|error| format!("console: {error}")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    browser.end().await;
    engine.shutdown().await;
}
