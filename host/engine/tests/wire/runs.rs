//! Runs from the event to the result.

use engine::{Engine, Options};
use protocol::signature::SigningKey;
use serde_json::json;

use crate::client::Client;
use crate::options;
use crate::worker::{Worker, done, op, ops, ran};

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
        let synced = client.register("app", &[function.clone()]).await;
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
