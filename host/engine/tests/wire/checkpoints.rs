//! Results that are stored while a call goes on.

use std::sync::{Arc, OnceLock};

use engine::Engine;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::client::Client;
use crate::options;
use crate::worker::{Answer, Seen, Worker, done, op};

/// The way from a function back to the engine.
pub type Back = Arc<OnceLock<Client>>;

/// Posts steps in the name of a call; the status and the body.
pub fn post(back: &Back, seen: &Seen, changes: &Value, steps: &[Value]) -> (u16, String) {
    let ctx = &seen.body["ctx"];
    let run = ctx["run_id"].as_str().expect("an id");
    let mut body = json!({
        "run_id": run, "fn_id": ctx["fn_id"], "qi_id": ctx["qi_id"], "request_id": ctx["request_id"],
        "generation_id": ctx["generation_id"], "request_started_at": 1, "ts": 2, "steps": steps,
    });
    for (key, value) in changes.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let path = format!("/v1/checkpoint/{run}/async");
    let client = back.get().expect("a client").clone();
    Handle::current()
        .block_on(async move { client.request("POST", &path, &[], &body.to_string()).await })
}

fn step(name: &str, data: &Value) -> Value {
    op("StepRun", name, &json!({"data": data, "timing": {"a": 1, "b": 2}}))
}

#[tokio::test]
async fn a_row_of_steps_takes_one_call() {
    let back = Back::default();
    let own = Arc::clone(&back);
    let worker = Worker::start(None, move |seen| {
        assert_eq!(seen.headers["x-inngest-generation-id"], "1");
        for name in ["x-request-id", "x-inngest-job-id"] {
            assert!(seen.headers.contains_key(name), "{name}");
        }
        for n in 0..3 {
            let (status, body) = post(&own, seen, &json!({}), &[step(&format!("s{n}"), &json!(n))]);
            assert_eq!((status, body.as_str()), (200, ""));
        }
        Answer {
            status: 206,
            ..done(json!([op("RunComplete", "complete", &json!({"data": "all"}))]))
        }
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    back.set(client.clone()).expect("once");
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 0)]).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let run = client.ended(&event).await;
    assert_eq!((&run["status"], &run["output"]), (&json!("Completed"), &json!("all")));
    assert_eq!(worker.calls().len(), 1);
    let run = run["run_id"].as_str().expect("an id");
    let late = format!("/v1/checkpoint/{run}/async");
    assert_eq!(client.post(&late, &json!({"steps": []})).await.0, 400, "the run has ended");
    engine.shutdown().await;
}

#[tokio::test]
async fn refusals_have_their_statuses_and_a_failed_call_finds_what_was_stored() {
    let back = Back::default();
    let own = Arc::clone(&back);
    let worker = Worker::start(None, move |seen| {
        if seen.memo("kept").is_some() {
            return done(json!([seen.memo("kept"), seen.memo("after"), seen.attempt()]));
        }
        let bad = [
            step("kept", &json!(1)),
            op("Sleep", "z", &json!({"name": "1s"})),
            step("after", &json!(2)),
        ];
        let refused = [
            (json!({}), bad.to_vec(), 400),
            (json!({"generation_id": 9}), vec![step("x", &json!(1))], 409),
            (json!({"request_id": "another"}), vec![step("x", &json!(1))], 409),
            (json!({"qi_id": "another"}), vec![step("x", &json!(1))], 409),
            (json!({"fn_id": "another"}), vec![step("x", &json!(1))], 400),
            (json!({}), vec![step("x", &json!("y".repeat(4 << 20)))], 413),
            (json!({"steps": 7}), vec![], 400),
        ];
        for (changes, steps, expected) in refused {
            let (status, body) = post(&own, seen, &changes, &steps);
            assert_eq!(status, expected, "{body}");
            let fault: Value = serde_json::from_str(&body).expect("a fault");
            assert_eq!(fault["status"], json!(expected));
        }
        Answer { status: 500, ..done(json!({"name": "E", "message": "died"})) }
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    back.set(client.clone()).expect("once");
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 2)]).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    assert_eq!(client.ended(&event).await["output"], json!([{"data": 1}, null, 1]));
    assert_eq!(client.post("/v1/checkpoint/nonsense/async", &json!({})).await.0, 400);
    engine.shutdown().await;
}
