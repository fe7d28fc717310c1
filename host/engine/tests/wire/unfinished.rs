//! What a worker asks before it deploys: which apps there are, which runs are unfinished, and what these have done.

use engine::Engine;
use protocol::history::History;
use protocol::id::StepId;
use serde_json::{Value, json};

use crate::client::Client;
use crate::options;
use crate::worker::{Answer, Worker, done, op, ops, ran};

/// Two steps and a sleep that nobody waits for.
fn parked(seen: &crate::worker::Seen) -> Answer {
    for step in ["one", "two"] {
        if seen.memo(step).is_none() {
            return ran(step, &json!(step));
        }
    }
    ops(&[op("Sleep", "nap", &json!({"name": "1h"}))])
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["data"].as_array().expect("a list");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn unfinished_runs_are_listed_by_their_function_in_pages() {
    let worker =
        Worker::start(
            None,
            |seen| {
                if seen.slug == "app-quick" { done(json!(1)) } else { parked(seen) }
            },
        )
        .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let functions = [
        worker.function("app-check/slow", &json!([{"event": "a/b"}]), 1),
        worker.function("app-quick", &json!([{"event": "a/c"}]), 1),
    ];
    client.register("app", &functions).await;
    for _ in 0..3 {
        client.send(&json!({"name": "a/b"})).await;
    }
    let quick = client.send(&json!({"name": "a/c"})).await;
    client.ended(&quick).await;
    let path = "/v2/apps/app/functions/check%2Fslow/runs?status=RUNNING&status=QUEUED";
    let all = client.until(path, |list| ids(list).len() == 3).await;
    let all = ids(&all);
    let (_, first) = client.get(&format!("{path}&limit=2")).await;
    assert_eq!((ids(&first), &first["page"]["hasMore"]), (all[..2].to_vec(), &json!(true)));
    let cursor = first["page"]["cursor"].as_str().expect("a cursor");
    let (_, second) = client.get(&format!("{path}&limit=2&cursor={cursor}")).await;
    assert_eq!((ids(&second), &second["page"]["hasMore"]), (all[2..].to_vec(), &json!(false)));
    for (path, count) in [
        ("/v2/apps/app/functions/quick/runs?status=RUNNING&status=QUEUED", 0),
        ("/v2/apps/app/functions/quick/runs?status=COMPLETED", 1),
        ("/v2/apps/app/functions/quick/runs", 1),
        ("/v2/apps/app/functions/app-quick/runs", 0),
        ("/v2/apps/other/functions/quick/runs", 0),
        ("/v2/runs?status=COMPLETED&status=QUEUED", 1),
        ("/v2/runs?functionId=quick&appId=app", 1),
    ] {
        assert_eq!(ids(&client.get(path).await.1).len(), count, "{path}");
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn a_trace_tells_in_which_order_steps_ended() {
    let worker = Worker::start(None, parked).await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 1)]).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let run = client
        .until(&format!("/v1/events/{event}/runs"), |runs| runs["data"][0]["run_id"].is_string())
        .await["data"][0]["run_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/v2/runs/{run}/trace");
    let two = |trace: &Value| trace["data"]["rootSpan"]["children"].as_array().map(Vec::len);
    let trace = client.until(&path, |trace| two(trace) == Some(2)).await;
    assert_eq!(trace["data"]["runId"], json!(run));
    assert!(trace["data"]["rootSpan"]["children"][1]["endedAt"].is_string());
    let history: History = serde_json::from_value(trace["data"].clone()).expect("a trace");
    assert_eq!(history.completed(), ["one", "two"].map(StepId::hash));
    // What they ended with is told on demand, in the words of the real server and to the byte.
    assert!(trace["data"]["rootSpan"]["children"][0]["memo"].is_null());
    let (_, trace) = client.get(&format!("{path}?includeOutput=true")).await;
    let one = &trace["data"]["rootSpan"]["children"][0];
    assert_eq!((&one["memo"], &one["output"]), (&json!({"data": "one"}), &json!({"data": "one"})));
    let history: History = serde_json::from_value(trace["data"].clone()).expect("a trace");
    assert_eq!(history.recorded()[0].memo.get(), r#"{"data":"one"}"#);
    assert_eq!(client.get("/v2/runs/01M81GXW71CEV7JQT6T4T8NAKZ/trace").await.0, 404);
    engine.shutdown().await;
}

#[tokio::test]
async fn apps_are_listed_and_a_function_without_triggers_goes_on_with_its_runs() {
    let worker = Worker::start(None, |seen| {
        if seen.memo("nap").is_some() {
            return done(json!("ended"));
        }
        ops(&[op("Sleep", "nap", &json!({"name": "2s"}))])
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    for app in ["app", "beside"] {
        let slug = format!("{app}-f");
        client.register(app, &[worker.function(&slug, &json!([{"event": app}]), 1)]).await;
    }
    let (_, page) = client.get("/v2/apps?limit=1").await;
    assert_eq!((ids(&page), &page["page"]["hasMore"]), (vec!["app".to_owned()], &json!(true)));
    let (_, all) = client.get("/v2/apps?limit=100").await;
    assert_eq!(ids(&all), ["app", "beside"]);
    assert_eq!(all["data"][0]["functionCount"], 1);

    let event = client.send(&json!({"name": "app"})).await;
    let path = "/v2/apps/app/functions/f/runs?status=RUNNING";
    client.until(path, |list| ids(list).len() == 1).await;
    let retired = worker.function("app-f", &json!([]), 1);
    assert_eq!(client.register("app", &[retired]).await["modified"], json!(true));
    let (_, held) = client.get("/v1/apps/app/functions").await;
    assert_eq!(held[0]["config"]["triggers"], json!([]));
    let nothing = client.send(&json!({"name": "app"})).await;
    let run = client.ended(&event).await;
    assert_eq!((&run["status"], &run["output"]), (&json!("Completed"), &json!("ended")));
    let (_, none) = client.get(&format!("/v1/events/{nothing}/runs")).await;
    assert_eq!(none["data"], json!([]), "nothing starts it any more");
    engine.shutdown().await;
}
