//! What functions record is found again without a collector, after `kill -9` too; and what the worker warns of.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::{Server, eventually, folder_of, free_address, turn};

/// Asks; the exit code, and the answer.
fn ask(folder: &Path, words: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_system-bus"))
        .args([&["--json", "otel"], words].concat())
        .arg("--records")
        .arg(folder)
        .output()
        .expect("the program runs");
    let answer = serde_json::from_slice(&output.stdout);
    let code = output.status.code().expect("it ends by itself");
    (code, answer.unwrap_or_else(|_| panic!("{output:?}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_found_by_their_words_and_outlive_the_worker() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let components = folder_of(&[guests::USES_TELEMETRY]);
    let folder = components.path().join("records");
    let further = ["--records", &folder.to_string_lossy()];
    let worker = server.worker_with(&components, free_address(), &further).await;
    server.send("testing/telemetry.requested", &json!({})).await;
    let search = ["search", "PROBE.redis", "--hours", "1"];
    let found = eventually("the record is kept", async || {
        let (code, answer) = ask(&folder, &search);
        let found = answer["result"]["records"][0].clone();
        (code == 0 && !found.is_null()).then_some(found)
    })
    .await;
    assert_eq!(
        (&found["component"], &found["action"], &found["success"], &found["duration_ms"]),
        (&json!("health-check"), &json!("probe.redis"), &json!(true), &json!(12))
    );
    assert_eq!(
        (&found["metadata"]["port"], &found["metadata"]["step"]),
        (&json!(6379), &json!("probe"))
    );
    let run = found["metadata"]["run"].as_str().expect("a run").to_owned();
    // What came after it is there as well, before the worker dies.
    eventually("all is kept", async || {
        let (_, answer) = ask(&folder, &["list", "--run", &run, "--level", "fatal"]);
        (answer["result"]["records"][0]["action"] == "probe.disk").then_some(())
    })
    .await;
    worker.kill();

    let (code, again) = ask(&folder, &search);
    assert_eq!((code, &again["result"]["records"][0]), (0, &found), "{again}");
    for (words, wanted) in [
        (&["search", "probe", "--run", &run][..], true),
        (&["search", "probe", "--run", "01JZZZZZZZZZZZZZZZZZZZZZZZ"], false),
        (&["search", "no such word"], false),
        (&["search", "probe", "--component", "health-check"], true),
        (&["search", "probe", "--component", "another"], false),
        (&["list", "--success", "false"], true),
        (&["list", "--source", "worker", "--action", "probe.redis"], false),
    ] {
        let (code, answer) = ask(&folder, words);
        assert_eq!(
            (code, answer["result"]["count"].as_u64() > Some(0)),
            (0, wanted),
            "{words:?}: {answer}"
        );
    }
    let (_, stats) = ask(&folder, &["stats"]);
    let stats = &stats["result"]["stats"];
    assert!(
        stats["actions"]["probe.disk"].as_u64() >= Some(1) && stats["levels"]["fatal"].is_u64(),
        "{stats}"
    );
    let (code, nobody) = ask(&components.path().join("nowhere"), &["list"]);
    let said = nobody["error"]["message"].as_str().expect("why");
    assert!(code == 1 && said.contains("no worker keeps records in"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_warns_of_is_kept_and_a_folder_that_is_none_stops_nobody() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let components = folder_of(&[guests::STEPS]);
    let folder = components.path().join("records");
    let worker = server
        .worker_with(&components, free_address(), &["--records", &folder.to_string_lossy()])
        .await;
    // Nobody who is believed asks so.
    let url = format!("http://{}/api/inngest?fnId=x&stepId=step", worker.address);
    reqwest::Client::new().post(url).body("{}").send().await.expect("an answer");
    eventually("the warning is kept", async || {
        let (_, answer) = ask(&folder, &["list", "--source", "worker", "--level", "warn"]);
        (answer["result"]["count"].as_u64() > Some(0)).then_some(())
    })
    .await;
    drop(worker);
    let taken = components.path().join("a-file");
    std::fs::write(&taken, "").expect("written");
    let further = ["--records", &taken.to_string_lossy()];
    let worker = server.worker_with(&components, free_address(), &further).await;
    assert_eq!(server.health(worker.address).await["status"], "running");
}
