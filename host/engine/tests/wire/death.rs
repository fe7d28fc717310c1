//! The engine is stopped, dropped and killed, and goes on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engine::{Data, Engine, Options};
use serde_json::{Value, json};

use crate::checkpoints::{Back, post};
use crate::client::Client;
use crate::options;
use crate::worker::{Answer, Seen, Worker, done, op, ops, ran};

const DIRECTORY: &str = "ENGINE_TEST_DIRECTORY";

/// Not a test of its own: the process that [`a_killed_engine_goes_on`] kills.
#[tokio::test]
async fn process_to_be_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let directory = PathBuf::from(directory);
    let stored = Options { data: Data::Dir(directory.clone()), ..options() };
    let engine = Engine::start(stored).await.expect("an engine");
    std::fs::write(directory.join("draft"), engine.address().to_string()).expect("written");
    std::fs::rename(directory.join("draft"), directory.join("address")).expect("renamed");
    // The one who started it kills it; should that one be gone, it must not stay.
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// An engine in a process of its own, to be killed.
pub fn spawn(directory: &Path) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new(program)
        .args(["--exact", "death::process_to_be_killed"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process")
}

/// Waits until that engine listens.
pub async fn address(directory: &Path) -> Client {
    for _ in 0..1_000 {
        if let Ok(text) = std::fs::read_to_string(directory.join("address")) {
            return Client { address: text.parse().expect("an address"), bearer: None };
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the engine does not start");
}

/// Six steps, two of them parallel, with a sleep between.
fn long(seen: &Seen) -> Answer {
    std::thread::sleep(Duration::from_millis(5));
    for step in ["p", "q"] {
        if seen.target == Some(protocol::id::StepId::hash(step)) {
            return ran(step, &seen.body["event"]["data"]["n"]);
        }
    }
    for step in ["a", "b"] {
        if seen.memo(step).is_none() {
            return ran(step, &json!(step));
        }
    }
    if seen.memo("p").is_none() || seen.memo("q").is_none() {
        return ops(&[
            op("StepPlanned", "p", &json!({})),
            op("StepPlanned", "q", &json!({})),
            op("Sleep", "nap", &json!({"name": "100ms"})),
        ]);
    }
    for step in ["c", "d"] {
        if seen.memo(step).is_none() {
            return ran(step, &json!(step));
        }
    }
    done(json!([seen.memo("p"), seen.memo("q"), seen.body["ctx"]["stack"]["current"]]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_goes_on() {
    const RUNS: usize = 12;
    let directory = tempfile::tempdir().expect("a directory");
    let worker = Worker::start(None, long).await;
    let mut process = spawn(directory.path());
    let mut client = address(directory.path()).await;
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 1)]).await;
    let mut events = Vec::new();
    for n in 0..RUNS {
        events.push(client.send(&json!({"name": "a/b", "data": {"n": n}})).await);
    }
    for pause in [5, 40, 80, 120, 160] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        // SIGKILL.
        process.kill().expect("killed");
        process.wait().expect("gone");
        std::fs::remove_file(directory.path().join("address")).expect("removed");
        process = spawn(directory.path());
        client = address(directory.path()).await;
    }
    for (n, event) in events.iter().enumerate() {
        let run = client.ended(event).await;
        assert_eq!(run["output"], json!([{"data": n}, {"data": n}, 7]), "{run}");
    }
    process.kill().expect("killed");
    process.wait().expect("gone");
    let attempts: Vec<u64> = worker.calls().iter().map(Seen::attempt).collect();
    assert!(attempts.iter().all(|attempt| *attempt == 0), "dying costs no attempt: {attempts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_checkpointed_and_awaited_outlives_a_killed_engine() {
    let directory = tempfile::tempdir().expect("a directory");
    let back = Back::default();
    let own = std::sync::Arc::clone(&back);
    let (posted, mut told) = tokio::sync::mpsc::unbounded_channel();
    let worker = Worker::start(None, move |seen| {
        if seen.slug == "app-waiter" {
            let waits = [
                op("WaitForEvent", "e", &json!({"opts": {"event": "a/paid", "timeout": "1h"}})),
                op("WaitForSignal", "s", &json!({"opts": {"signal": "go", "timeout": "1h"}})),
            ];
            return match (seen.memo("e"), seen.memo("s")) {
                (Some(event), Some(signal)) => done(json!([event["data"], signal["data"]["data"]])),
                _ => ops(&waits),
            };
        }
        if seen.memo("kept").is_some() {
            return done(seen.body["ctx"]["stack"]["current"].clone());
        }
        let step = op("StepRun", "kept", &json!({"data": 1}));
        posted.send(post(&own, seen, &json!({}), &[step]).0).expect("listening");
        // Whatever this call answers comes too late for the engine that made it.
        std::thread::sleep(Duration::from_millis(500));
        done(json!("too late"))
    })
    .await;
    let mut process = spawn(directory.path());
    let client = address(directory.path()).await;
    back.set(client.clone()).expect("once");
    let functions = [
        worker.function("app-f", &json!([{"event": "a/b"}]), 1),
        worker.function("app-waiter", &json!([{"event": "a/wait"}]), 1),
    ];
    client.register("app", &functions).await;
    let waiting = client.send(&json!({"name": "a/wait"})).await;
    while worker.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let event = client.send(&json!({"name": "a/b"})).await;
    assert_eq!(told.recv().await, Some(200));
    // SIGKILL.
    process.kill().expect("killed");
    process.wait().expect("gone");
    std::fs::remove_file(directory.path().join("address")).expect("removed");
    process = spawn(directory.path());
    let client = address(directory.path()).await;
    assert_eq!(client.ended(&event).await["output"], 1);
    client.send(&json!({"name": "a/paid", "data": {"n": 7}})).await;
    let (status, _) = client.post("/v1/signals", &json!({"signal": "go", "data": "on"})).await;
    assert_eq!(status, 200);
    assert_eq!(client.ended(&waiting).await["output"], json!([{"n": 7}, "on"]));
    process.kill().expect("killed");
    process.wait().expect("gone");
}

#[tokio::test]
async fn a_stopped_engine_awaits_its_calls_and_goes_on_later() {
    let directory = tempfile::tempdir().expect("a directory");
    let stored = || Options { data: Data::Dir(directory.path().to_owned()), ..options() };
    let worker = Worker::start(None, |seen| {
        if seen.memo("slow").is_none() {
            std::thread::sleep(Duration::from_millis(300));
            return ran("slow", &json!(1));
        }
        done(json!("done"))
    })
    .await;
    let engine = Engine::start(stored()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 1)]).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    while worker.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    engine.shutdown().await;
    let engine = Engine::start(stored()).await.expect("an engine");
    let run = Client::of(&engine).ended(&event).await;
    assert_eq!(run["output"], "done");
    assert_eq!(worker.calls().len(), 2, "the slow step ran once");
    drop(engine);
    // A dropped engine ends by itself, and lets go of its file.
    for _ in 0..500 {
        if Engine::start(stored()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the dropped engine does not end");
}

#[tokio::test]
async fn a_worker_that_is_away_is_called_again() {
    let worker = Worker::start(None, |_| done(json!(1))).await;
    let place = worker.address;
    let function = worker.function("app-f", &json!([{"event": "a/b"}]), 20);
    drop(worker);
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[function]).await;
    let mut activity = engine.activity();
    let event = client.send(&json!({"name": "a/b"})).await;
    let reason = loop {
        if let engine::Happening::CallFailed { reason, .. } =
            activity.recv().await.expect("news").what
        {
            break reason;
        }
    };
    assert!(reason.contains("Unable to reach SDK URL"), "{reason}");
    let worker = Worker::start_on(place, None, |seen| done(json!(seen.attempt() > 0))).await;
    let run = client.ended(&event).await;
    assert_eq!(run["output"], Value::Bool(true));
    drop(worker);
    engine.shutdown().await;
}
