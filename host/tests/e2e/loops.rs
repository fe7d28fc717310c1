//! What an operator sees of agent loops: their plans, from a real Redis, and which of their steps run.

use std::process::Command;

use serde_json::{Value, json};

use crate::counter::Counter;
use crate::store::Store;
use crate::{Server, folder_of, free_address, turn};

/// Asks; the exit code, and the answer.
fn ask(redis: &str, words: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_system-bus"))
        .args([&["--json", "loop", "status", "--redis", redis], words].concat())
        .output()
        .expect("the program runs");
    let code = output.status.code().expect("it ends by itself");
    let answer = serde_json::from_slice(&output.stdout);
    (code, answer.unwrap_or_else(|_| panic!("{output:?}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loops_are_told_with_what_runs_of_them() {
    let _turn = turn().await;
    let store = Store::start().await;
    let url = store.url();
    let nobody = format!("http://{}", free_address());
    let (code, none) = ask(&url, &["--worker", &nobody]);
    assert_eq!((code, &none["result"]["loops"]), (0, &json!([])), "{none}");
    assert_eq!(none["result"]["silent"].as_array().map(Vec::len), Some(1), "{none}");
    let plan = json!({"title": "A garden", "stories": [
        {"id": "S1", "title": "dig", "status": "passed"}, {"id": "S2", "title": "plant"},
    ]});
    let mut client = redis::Client::open(&*url).and_then(|it| it.get_connection()).expect("Redis");
    for (key, value) in [
        ("agent-loop:prd:garden", &*plan.to_string()),
        ("agent-loop:prd:broken", "half of {"),
        ("agent-loop:other:garden", "{}"),
    ] {
        redis::cmd("SET").arg(key).arg(value).exec(&mut client).expect("set");
    }

    let server = Server::start(None).expect("a server of any mode");
    let components = folder_of(&[guests::STEPS]);
    let worker = server.worker(&components, free_address()).await;
    let at = format!("http://{}", worker.address);
    // A call of a function that is no loop's is not told.
    let counter = Counter::start().await;
    counter.hold("one", "flaky");
    let event =
        server.send("testing/retried.requested", &json!({"count": counter.url("one")})).await;
    counter.reached("one", "flaky", 1).await;
    let (code, all) = ask(&url, &["--worker", &at]);
    let loops = &all["result"]["loops"];
    assert_eq!(
        (code, &loops[0]["loop"], &loops[1]["loop"]),
        (0, &json!("broken"), &json!("garden"))
    );
    assert!(loops[0]["problem"].as_str().is_some_and(|why| why.contains("no JSON")), "{all}");
    assert_eq!((&all["result"]["running"], loops.as_array().map(Vec::len)), (&json!([]), Some(2)));
    counter.release();
    server.ended(&event).await;

    let (code, one) = ask(&url, &["garden", "--worker", &at]);
    let garden = &one["result"]["loops"][0];
    assert_eq!((code, &garden["progress"]), (0, &json!("1/2 passed")), "{one}");
    assert_eq!(
        garden["stories"],
        json!([
            {"id": "S1", "title": "dig", "status": "passed"},
            {"id": "S2", "title": "plant", "status": "pending"},
        ])
    );
    let (code, none) = ask(&url, &["desert"]);
    let said = none["error"]["message"].as_str().expect("why");
    assert!(code == 1 && said.contains("there is no loop \"desert\""), "{none}");
    let (code, away) = ask("redis://127.0.0.1:1", &[]);
    let said = away["error"]["message"].as_str().expect("why");
    assert!(code == 1 && said.contains("Redis at 127.0.0.1:1 does not tell the plans"), "{away}");
}
