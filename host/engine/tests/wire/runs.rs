//! Runs from the event to the result.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use engine::{Engine, Happening, Options};
use protocol::id::StepId;
use protocol::signature::SigningKey;
use serde_json::json;

use crate::client::Client;
use crate::options;
use crate::worker::{Answer, Worker, done, op, ops, ran};

#[tokio::test]
async fn a_serial_run_with_a_sleep_and_a_retry_ends_with_its_result() {
    for key in [None, Some(SigningKey::parse("signkey-test-12345678").expect("a key"))] {
        let worker = Worker::start(key.as_ref(), |seen| {
            if seen.memo("one").is_none() {
                return ran("one", &json!(1));
            }
            if seen.memo("nap").is_none() {
                return ops(&[op("Sleep", "nap", &json!({"name": "50ms"}))]);
            }
            if seen.memo("two").is_none() {
                if seen.attempt() < 2 {
                    let error = json!({"error": {"name": "E", "message": "not yet"}});
                    return ops(&[op("StepError", "two", &error)]);
                }
                return ran("two", &json!({"b": seen.body["event"]["data"]["n"]}));
            }
            done(json!([seen.memo("one"), seen.memo("nap"), seen.memo("two")]))
        })
        .await;
        let engine = Engine::start(Options { signing_key: key.clone(), ..options() })
            .await
            .expect("an engine");
        let client = Client { bearer: key.as_ref().map(SigningKey::bearer), ..Client::of(&engine) };
        let function = worker.function("app-f", &json!([{"event": "a/b"}]), 3);
        let synced = client.register("app", std::slice::from_ref(&function)).await;
        assert_eq!((&synced["ok"], &synced["modified"]), (&json!(true), &json!(true)));
        assert_eq!(client.register("app", &[function]).await["modified"], json!(false));

        let event = client.send(&json!({"name": "a/b", "data": {"n": 7}})).await;
        let run = client.ended(&event).await;
        assert_eq!(run["status"], "Completed");
        assert_eq!(run["output"], json!([{"data": 1}, null, {"data": {"b": 7}}]));
        let calls = worker.calls();
        assert_eq!(calls.iter().map(|c| c.attempt()).collect::<Vec<_>>(), [0, 0, 0, 1, 2, 0]);
        assert!(calls.iter().all(|call| call.slug == "app-f"));
        assert_eq!(calls[0].headers["user-agent"], "Inngest");
        assert_eq!(calls[0].headers["x-inngest-req-version"], "-1");
        assert_eq!(calls[0].headers["x-run-id"].to_str().ok(), run["run_id"].as_str());
        assert_eq!(calls[5].body["version"], 2);
        assert_eq!(calls[5].body["ctx"]["stack"]["stack"].as_array().map(Vec::len), Some(3));
        engine.shutdown().await;
    }
}

#[tokio::test]
async fn parallel_steps_overlap_and_a_failed_run_starts_its_handler() {
    let key = SigningKey::parse("signkey-test-12345678").expect("a key");
    // Each waits for the other one: only steps that run at the same time end at all.
    let meeting = Arc::new((Mutex::new(0_u32), Condvar::new()));
    let worker = Worker::start(Some(&key), move |seen| {
        if seen.slug == "app-f-failure" {
            return done(seen.body["event"]["data"]["error"]["message"].clone());
        }
        for step in ["p", "q"] {
            if seen.target == Some(StepId::hash(step)) {
                let (here, came) = &*meeting;
                let mut here = here.lock().expect("no panic");
                *here += 1;
                came.notify_all();
                let met = came.wait_timeout_while(here, Duration::from_secs(30), |here| *here < 2);
                assert!(!met.expect("no panic").1.timed_out(), "{step} runs alone");
                return ran(step, &json!(step));
            }
        }
        if seen.memo("p").is_none() {
            return ops(&[op("StepPlanned", "p", &json!({})), op("StepPlanned", "q", &json!({}))]);
        }
        let no_retry = vec![("x-inngest-no-retry", "true")];
        Answer { status: 400, headers: no_retry, body: json!({"name": "E", "message": "kaboom"}) }
    })
    .await;
    let engine = Engine::start(Options { signing_key: Some(key.clone()), ..options() })
        .await
        .expect("an engine");
    let client = Client { bearer: Some(key.bearer()), ..Client::of(&engine) };
    let handler = json!([{"event": "inngest/function.failed", "expression": "event.data.function_id == 'app-f'"}]);
    let functions = [
        worker.function("app-f", &json!([{"event": "a/b"}]), 3),
        worker.function("app-f-failure", &handler, 1),
    ];
    client.register("app", &functions).await;
    let mut activity = engine.activity();
    let event = client.send(&json!({"name": "a/b"})).await;
    let run = client.ended(&event).await;
    assert_eq!((&run["status"], &run["output"]["message"]), (&json!("Failed"), &json!("kaboom")));
    let output = loop {
        if let Happening::RunCompleted { output } = activity.recv().await.expect("news").what {
            break output;
        }
    };
    assert_eq!(output.get(), r#""kaboom""#);
    assert_eq!(worker.calls().len(), 5);
    engine.shutdown().await;
}

#[tokio::test]
async fn what_is_no_reply_of_a_worker_fails_the_attempt_with_the_reason() {
    let other = SigningKey::parse("abcdef").expect("a key");
    let locked = Worker::start(Some(&other), |_| done(json!(1))).await;
    let verbose = Worker::start(None, |_| done(json!("x".repeat(9 * 1024 * 1024)))).await;
    for (worker, says) in [(locked, "not_sdk: status 401"), (verbose, "output_too_large")] {
        let engine = Engine::start(options()).await.expect("an engine");
        let client = Client::of(&engine);
        client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 0)]).await;
        let mut activity = engine.activity();
        let event = client.send(&json!({"name": "a/b"})).await;
        assert_eq!(client.ended(&event).await["status"], "Failed");
        let reason = loop {
            if let Happening::CallFailed { reason, .. } = activity.recv().await.expect("news").what
            {
                break reason;
            }
        };
        assert!(reason.contains(says), "{reason}");
        engine.shutdown().await;
    }
}
