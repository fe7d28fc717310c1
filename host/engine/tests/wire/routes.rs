//! The routes: shapes, statuses, errors.

use engine::{Data, Engine, EngineError, Options};
use protocol::signature::SigningKey;
use serde_json::{Value, json};

use crate::client::Client;
use crate::options;
use crate::worker::{Worker, done, op, ops, ran};

const SEED: &str = "1795347640761,bBn0mYmeA2ZiDw==";

#[tokio::test]
async fn events_are_taken_in_with_ids_and_refused_with_reasons() {
    let keyed = Options { event_keys: vec!["secret".to_owned()], ..options() };
    let engine = Engine::start(keyed).await.expect("an engine");
    let client = Client::of(&engine);
    let event = json!({"name": "a/b", "data": {"n": 1}});
    let (status, answer) = client.post("/e/wrong", &event).await;
    assert_eq!((status, &answer["status"], &answer["ids"]), (401, &json!(401), &json!([])));

    let (status, answer) = client.post("/e/secret", &json!([event, event])).await;
    assert_eq!((status, &answer["status"]), (200, &json!(200)));
    assert_eq!(answer["ids"].as_array().map(Vec::len), Some(2));

    let bad = json!([event, {"name": "inngest/x"}, event]);
    let (status, answer) = client.post("/e/secret", &bad).await;
    assert_eq!(status, 400);
    assert_eq!(answer["ids"].as_array().map(Vec::len), Some(1));
    assert!(answer["error"].as_str().expect("an error").contains("event 1"));

    let page = [("origin", "https://example.com")];
    let (status, answer) = client.request("POST", "/e/secret", &page, r#"{"name":"a/b"}"#).await;
    assert_eq!(status, 403);
    assert!(answer.contains("pages of other machines"), "{answer}");

    let seeded = [("x-inngest-event-id-seed", SEED)];
    let send = || client.request("POST", "/e/secret", &seeded, r#"{"name":"a/b"}"#);
    let (first, second) = (send().await, send().await);
    assert_eq!(first, second);
    let id = "01M81GXWDSDGCZ96C9KR1PCRGG";
    assert!(first.1.contains(id), "{first:?}");

    let (status, answer) = client.get(&format!("/v1/events/{id}")).await;
    assert_eq!((status, &answer["data"]["name"]), (200, &json!("a/b")));
    assert_eq!(client.get("/v1/events/01M81GXWDSDGCZ96C9KR1PCRGZ").await.0, 404);
    assert_eq!(client.get("/v1/events/nonsense").await.0, 400);
    let (status, answer) = client.get("/v0/gql").await;
    assert_eq!(status, 404);
    assert!(answer["error"].as_str().expect("an error").contains("no route GET /v0/gql"));
    assert_eq!(client.get("/v1/events/nonsense/runs").await.0, 400);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_signing_key_guards_everything_but_events_and_health() {
    let key = SigningKey::parse("signkey-test-12345678").expect("a key");
    let guarded = Options { signing_key: Some(key.clone()), ..options() };
    let engine = Engine::start(guarded).await.expect("an engine");
    let mut client = Client::of(&engine);
    assert_eq!(client.get("/health").await, (200, json!({"status": 200, "message": "OK"})));
    assert_eq!(client.post("/e/any", &json!({"name": "a/b"})).await.0, 200);
    let paths = ["/dev", "/v1/events/x", "/v1/runs/x", "/v1/apps/app/functions", "/v2/runs"];
    for bearer in [None, Some("nonsense".to_owned()), Some("87654321".to_owned())] {
        client.bearer = bearer;
        for path in paths {
            assert_eq!(client.get(path).await, (401, json!("Authentication failed")), "{path}");
        }
        let (status, _) = client.post("/fn/register", &json!({"appName": "app"})).await;
        assert_eq!(status, 401);
    }
    let forms = [key.bearer(), key.hash(), "12345678".to_owned(), "signkey-x-12345678".to_owned()];
    for bearer in forms {
        client.bearer = Some(bearer);
        assert_eq!(client.get("/v2/runs").await.0, 200);
    }
    assert_eq!(client.get("/dev").await.0, 404);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_sync_is_checked() {
    let worker = Worker::start(None, |_| done(json!(null))).await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let good = worker.function("app-f", &json!([{"event": "a/b"}, {"cron": "0 9 * * *"}]), 2);
    let answer = client.register("app", &[good]).await;
    assert_eq!(answer["app_id"].as_str().map(str::len), Some(36));
    assert_eq!(answer["sync_id"].as_str().map(str::len), Some(36));

    let (status, answer) = client.post("/fn/register", &json!({"functions": []})).await;
    let expected = json!({"error": "App ID required", "data": null, "status": 400});
    assert_eq!((status, answer), (400, expected));
    let bad = json!({"appName": "app", "functions": [{"id": "app-g"}]});
    let (status, answer) = client.post("/fn/register", &bad).await;
    assert_eq!((status, &answer["error"]), (400, &json!("At least one function is invalid")));
    let (status, answer) = client.post("/fn/register", &json!({"appName": 7})).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().expect("an error").starts_with("Invalid request: "));
    let kind = [("x-inngest-expected-server-kind", "cloud")];
    let (status, answer) = client.request("POST", "/fn/register", &kind, "{}").await;
    assert_eq!(status, 400);
    assert!(answer.contains("Expected server kind cloud, got dev"), "{answer}");

    let (_, functions) = client.get("/v1/apps/app/functions").await;
    assert_eq!(functions[0]["id"], "app-f");
    assert_eq!(
        functions[0]["config"]["triggers"],
        json!([{"event": "a/b"}, {"cron": "0 9 * * *"}])
    );
    assert_eq!(functions.as_array().map(Vec::len), Some(1));
    assert_eq!(client.get("/v1/apps/none/functions").await, (200, json!([])));
    let (_, dev) = client.get("/dev").await;
    assert_eq!(dev["apps"][0]["error"], "1 errors occurred: * A function name is required");
    assert_eq!(dev["functions"][0]["internal_id"], functions[0]["internal_id"]);
    engine.shutdown().await;
}

#[tokio::test]
async fn runs_are_listed_read_and_canceled() {
    let worker = Worker::start(None, |seen| {
        if seen.memo("one").is_none() {
            return ran("one", &json!({"x": 1}));
        }
        ops(&[op("Sleep", "nap", &json!({"name": "1h"}))])
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 2)]).await;
    let mut activity = engine.activity();
    let event = client.send(&json!({"name": "a/b"})).await;
    loop {
        let activity = activity.recv().await.expect("activity");
        if matches!(activity.what, engine::Happening::Sleeping { .. }) {
            let json = serde_json::to_value(&activity).expect("JSON");
            assert_eq!((&json["what"], &json["function"]), (&json!("sleeping"), &json!("app-f")));
            break;
        }
    }
    let (_, runs) = client.get(&format!("/v1/events/{event}/runs")).await;
    let id = runs["data"][0]["run_id"].as_str().expect("an id").to_owned();
    let (_, run) = client.get(&format!("/v1/runs/{id}")).await;
    assert_eq!(
        (&run["data"]["status"], &run["data"]["ended_at"]),
        (&json!("Running"), &Value::Null)
    );
    let step = protocol::id::StepId::hash("one").to_string();
    let actions = format!("/v0/runs/{id}/actions");
    assert_eq!(client.get(&actions).await, (200, json!({step: {"data": {"x": 1}}})));
    let (_, batch) = client.get(&format!("/v0/runs/{id}/batch")).await;
    assert_eq!(batch[0]["name"], "a/b");
    let (_, list) = client.get("/v2/runs?status=RUNNING&appId=app&functionId=f").await;
    assert_eq!(list["data"][0]["id"], json!(id));
    assert_eq!(client.get("/v2/runs?status=FAILED").await.1["data"], json!([]));

    let path = format!("/v1/runs/{id}");
    assert_eq!(client.request("DELETE", &path, &[], "").await.0, 204);
    assert_eq!(client.request("DELETE", &path, &[], "").await.0, 409);
    assert_eq!(client.get(&path).await.1["data"]["status"], "Cancelled");
    assert_eq!(client.get(&actions).await.0, 410);
    assert_eq!(client.get("/v0/runs/x/actions").await.0, 400);
    let unknown = "01M81GXW71CEV7JQT6T4T8NAKZ";
    assert_eq!(client.get(&format!("/v1/runs/{unknown}")).await.0, 404);
    assert_eq!(client.get(&format!("/v0/runs/{unknown}/batch")).await.0, 410);
    engine.shutdown().await;
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let outside = Options { listen: "0.0.0.0:0".parse().expect("an address"), ..options() };
    let error = Engine::start(outside).await.expect_err("not loopback");
    assert!(error.to_string().contains("loopback only"), "{error}");

    let directory = tempfile::tempdir().expect("a directory");
    let stored = || Options { data: Data::Dir(directory.path().join("state")), ..options() };
    let engine = Engine::start(stored()).await.expect("an engine");
    let taken = Options { listen: engine.address(), ..options() };
    let error = Engine::start(taken).await.expect_err("taken");
    assert!(matches!(error, EngineError::Listen { .. }), "{error}");
    let error = Engine::start(stored()).await.expect_err("locked");
    assert!(error.to_string().contains("in use by another engine"), "{error}");
    engine.shutdown().await;
    Engine::start(stored()).await.expect("unlocked").shutdown().await;

    let file = directory.path().join("state/engine.redb");
    let database = redb::Database::open(&file).expect("the file");
    let write = database.begin_write().expect("a transaction");
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    write.open_table(meta).expect("the table").insert("format", 99).expect("inserted");
    write.commit().expect("committed");
    drop(database);
    let error = Engine::start(stored()).await.expect_err("newer");
    assert!(error.to_string().contains("newer version"), "{error}");

    std::fs::write(&file, "this is no database, whatever its name says").expect("written");
    let error = Engine::start(stored()).await.expect_err("corrupt");
    assert!(error.to_string().contains("move it away"), "{error}");

    let occupied = directory.path().join("occupied");
    std::fs::write(&occupied, "").expect("written");
    let error = Engine::start(Options { data: Data::Dir(occupied), ..options() }).await;
    assert!(matches!(error, Err(EngineError::Directory { .. })), "{error:?}");
}

#[tokio::test]
async fn the_history_of_events_is_read_in_pages() {
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let mut sent = Vec::new();
    for n in 0..5 {
        let name = if n == 3 { "a/other" } else { "a/b" };
        sent.push(client.send(&json!({"name": name, "data": {"n": n}})).await);
        // Ids of one millisecond are in no order.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    sent.reverse();
    let list = async |query: String| -> Vec<String> {
        let (status, answer) = client.get(&format!("/v1/events{query}")).await;
        assert_eq!(status, 200, "{answer}");
        let all = answer["data"].as_array().expect("a list").iter();
        all.map(|event| event["internal_id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(list(String::new()).await, sent);
    let first = list("?limit=2".to_owned()).await;
    assert_eq!(first, sent[..2]);
    assert_eq!(list(format!("?limit=2&cursor={}", first[1])).await, sent[2..4]);
    assert_eq!(list("?name=a/other".to_owned()).await, sent[1..2]);
    let (_, middle) = client.get(&format!("/v1/events/{}", sent[2])).await;
    let at = middle["data"]["received_at"].as_str().expect("a time");
    assert_eq!(list(format!("?received_after={at}")).await, sent[..2]);
    assert_eq!(list(format!("?received_before={at}")).await, sent[3..]);
    for wrong in ["?cursor=x", "?received_after=soon", "?limit=many"] {
        assert_eq!(client.get(&format!("/v1/events{wrong}")).await.0, 400, "{wrong}");
    }
    engine.shutdown().await;
}
