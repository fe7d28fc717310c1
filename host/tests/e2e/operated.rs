//! What an operator asks of a server with the program: how all is, which runs and events there are, what one of them did;
//! sending and canceling.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::APP;
use crate::{Process, Server, eventually, free_address, turn, worker};

/// How a command has ended.
#[derive(Debug)]
struct Finished {
    code: i32,
    out: String,
    err: String,
}

impl Finished {
    /// The answer of `--json`, which says the same as the exit code.
    #[track_caller]
    fn answer(&self) -> Value {
        let answer: Value = serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?}"));
        assert_eq!(answer["ok"] == true, self.code == 0, "{self:?}");
        answer
    }
}

/// Asks with the program, which is told of the server and of nothing else.
fn ask(server: &Server, words: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("INNGEST_") || name.starts_with("SYSTEM_BUS_") {
            command.env_remove(name);
        }
    }
    let output = command.envs(server.environment()).args(words).output().expect("the program runs");
    Finished {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The same for programs: its result.
#[track_caller]
fn result(server: &Server, words: &[&str]) -> Value {
    ask(server, &[words, &["--json"]].concat()).answer()["result"].take()
}

async fn scene() -> (Server, Process, tempfile::TempDir) {
    let server = Server::start(None).expect("a server of any mode");
    let (worker, components) = worker(&server).await;
    (server, worker, components)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_is_found_with_what_came_of_it() {
    let _turn = turn().await;
    let (server, _worker, _components) = scene().await;
    let sent = ask(&server, &["send", "testing/five.requested", "--follow", "--json"]);
    let sent = &sent.answer()["result"];
    assert_eq!(sent["listening"], json!([format!("{APP}/five")]));
    assert_eq!(
        (&sent["runs"][0]["status"], &sent["runs"][0]["output"]),
        (&json!("Completed"), &json!([1, 2, 3, 4, 5]))
    );
    let (event, run) = (text(&sent["id"]), text(&sent["runs"][0]["id"]));

    let shown = result(&server, &["run", &run]);
    assert_eq!(
        (&shown["app"], &shown["function"], &shown["status"]),
        (&json!(APP), &json!("five"), &json!("COMPLETED"))
    );
    assert_eq!((&shown["output"], &shown["events"]), (&json!([1, 2, 3, 4, 5]), &json!([event])));
    assert_eq!(shown["steps"].as_array().map(Vec::len), Some(5));
    let words = ask(&server, &["run", &run]);
    assert_eq!((words.code, words.out.lines().count()), (0, 7), "{words:?}");
    assert!(words.out.starts_with(&format!("{run} of {APP}/five: completed, ")), "{words:?}");
    assert!(words.out.ends_with("result: [1,2,3,4,5]\n"), "{words:?}");

    let found = result(&server, &["event", &event]);
    assert_eq!(
        (&found["event"]["name"], &found["runs"][0]["run_id"]),
        (&json!("testing/five.requested"), &json!(run))
    );
    // Lists are read from what the server has written a moment later.
    eventually("the run is listed", async || {
        let runs =
            result(&server, &["runs", "--app", APP, "--function", "five", "--status", "completed"]);
        let all = runs["runs"].as_array()?.iter();
        let all: Vec<_> = all.filter(|listed| listed["id"] == run.as_str()).collect();
        (all.len() == 1 && all[0]["endedAt"].is_string()).then_some(())
    })
    .await;
    let events = result(&server, &["events", "--prefix", "testing/five", "--count", "1000"]);
    let all = events["events"].as_array().expect("events");
    assert!(all.iter().all(|one| one["name"] == "testing/five.requested"), "{events}");
    assert_eq!(all.iter().filter(|one| one["id"] == event.as_str()).count(), 1);
    assert_eq!(events["summary"]["testing"], events["count"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_nobody_waits_for_is_sent_with_a_warning() {
    let _turn = turn().await;
    let (server, _worker, _components) = scene().await;
    let name = "testing/nobody.listens";
    let sent = ask(&server, &["send", name, "--data", r#"{"a": 1}"#, "--json"]);
    let sent = &sent.answer()["result"];
    assert_eq!((&sent["listening"], &sent["runs"]), (&json!([]), &Value::Null));
    assert!(
        text(&sent["warning"])
            .contains("no function of the server starts on testing/nobody.listens")
    );
    // It is there all the same.
    let found = result(&server, &["event", &text(&sent["id"])]);
    assert_eq!((&found["event"]["data"], &found["runs"]), (&json!({"a": 1}), &json!([])));
    let followed = ask(&server, &["send", name, "--follow"]);
    assert_eq!(followed.code, 1, "{followed:?}");
    assert!(followed.out.ends_with("no run has begun\n"), "{followed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_in_the_exit_code_and_a_run_is_canceled() {
    let _turn = turn().await;
    let (server, _worker, _components) = scene().await;
    let failed =
        ask(&server, &["send", "testing/uncaught.requested", "--follow", "--json"]).answer();
    let run = &failed["result"]["runs"][0];
    assert_eq!((&failed["ok"], &run["status"]), (&json!(false), &json!("Failed")));
    let shown = ask(&server, &["run", &text(&run["id"])]);
    assert_eq!(shown.code, 1);
    assert!(shown.out.contains("\nerror: ") && shown.out.contains("no use"), "{shown:?}");

    let event = text(
        &result(&server, &["send", "testing/slept.requested", "-d", r#"{"wait": 3600000}"#])["id"],
    );
    let id = eventually("the run sleeps", async || {
        let found = result(&server, &["event", &event]);
        let id = found["runs"][0]["run_id"].as_str()?.to_owned();
        let shown = result(&server, &["run", &id]);
        let before = shown["steps"].as_array()?.iter().any(|step| step["name"] == "before");
        (shown["status"] == "RUNNING" && before).then_some(id)
    })
    .await;
    let cancelled = result(&server, &["run", &id, "--cancel"]);
    assert_eq!(
        (&cancelled["status"], &cancelled["cancelled"]),
        (&json!("CANCELLED"), &json!(true))
    );
    let again = ask(&server, &["run", &id, "--cancel", "--json"]);
    assert!(text(&again.answer()["error"]["message"]).contains("cannot be canceled"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_is_that_of_all_parts() {
    let _turn = turn().await;
    let (server, worker, _components) = scene().await;
    let (at, nobody) = (format!("http://{}", worker.address), format!("http://{}", free_address()));
    let well = result(&server, &["status", "--worker", &at]);
    assert_eq!((&well["server"]["ok"], &well["workers"][0]["ok"]), (&json!(true), &json!(true)));
    assert_eq!(well["workers"][0]["health"]["app"], APP);
    let both = ask(&server, &["status", "--worker", &format!("{at},{nobody}"), "--json"]).answer();
    assert_eq!((&both["ok"], &both["result"]["workers"][0]["ok"]), (&json!(false), &json!(true)));
    assert!(text(&both["result"]["workers"][1]["detail"]).contains("no worker answers there"));
    let words = ask(&server, &["status", "--worker", &nobody]);
    assert!(words.code == 1 && words.out.contains("NO"), "{words:?}");
}

/// What healing goes by, and what an operator counts (R56).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_of_server_and_worker_has_two_checks() {
    let _turn = turn().await;
    let (server, worker, _components) = scene().await;
    let at = format!("http://{}", worker.address);
    let well = result(&server, &["inngest", "status", "--worker", &at]);
    let checks = &well["checks"];
    assert_eq!((&checks["server"]["ok"], &checks["worker"]["ok"]), (&json!(true), &json!(true)));
    let count = worker_count(&server, &worker).await;
    assert_eq!(
        (&well["role_counts"], &well["worker"]["function_count"]),
        (&json!({"cluster": count}), &count)
    );
    assert!(well["registered_function_count"].as_u64() >= count.as_u64(), "{well}");
    assert!(well["worker"]["last_registration_at"].is_string(), "{well}");
    assert_eq!(well["duplicate_function_ids"], json!([]));
    let nobody = format!("http://{}", free_address());
    let away = ask(&server, &["inngest", "status", "--worker", &nobody, "--json"]).answer();
    let (checks, first) = (&away["result"]["checks"], &away["result"]["worker"]);
    assert_eq!(
        (&away["ok"], &checks["server"]["ok"], &checks["worker"]["ok"]),
        (&json!(false), &json!(true), &json!(false))
    );
    assert_eq!((&first["reachable"], &first["status"]), (&json!(false), &json!("unreachable")));
    let words = ask(&server, &["inngest", "status", "--worker", &nobody]);
    assert!(words.code == 1 && words.out.contains("NOT WELL"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_tell_their_server_anew_what_they_have() {
    let _turn = turn().await;
    let (server, worker, _components) = scene().await;
    let at = format!("http://{}", worker.address);
    let told = result(&server, &["refresh", "--worker", &at]);
    let one = &told["workers"][0];
    assert_eq!((&one["app"], &one["action"]), (&json!(APP), &json!("clean")));
    assert_eq!((&one["added"], &one["removed"]), (&json!([]), &json!([])));
    assert_eq!(one["functions"], worker_count(&server, &worker).await);
    let elsewhere = ask(&server, &["refresh", "--worker", &at, "--path", "/elsewhere", "--json"]);
    let said = elsewhere.answer()["result"]["workers"][0].take();
    assert_eq!((&said["action"], elsewhere.code), (&json!("failed"), 1));
    let nobody = format!("http://{}", free_address());
    let away = ask(&server, &["refresh", "--worker", &nobody]);
    assert!(away.code == 1 && away.err.contains("no worker answers at"), "{away:?}");
}

async fn worker_count(server: &Server, worker: &Process) -> Value {
    server.health(worker.address).await["count"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_found_with_what_to_do() {
    let _turn = turn().await;
    let (server, worker, _components) = scene().await;
    let at = format!("http://{}", worker.address);
    // A server that others use may have apps of theirs, so this is about ours.
    let about = |told: &Value, about: &str| -> Vec<Value> {
        let all = told["findings"].as_array().expect("findings").iter();
        all.filter(|one| one["about"] == about).cloned().collect()
    };
    let examined = |words: &[&str]| ask(&server, &[&["doctor", "--json"], words].concat()).answer();
    let well = examined(&["--worker", &at]);
    assert_eq!(about(&well["result"], &at), Vec::<Value>::new());
    assert_eq!(about(&well["result"], APP), Vec::<Value>::new());
    assert!(well["result"]["functions"].as_u64() > Some(5), "{well}");

    let nobody = format!("http://{}", free_address());
    let away = examined(&["--worker", &nobody]);
    let found = about(&away["result"], &nobody);
    assert_eq!((&away["ok"], &found[0]["code"]), (&json!(false), &json!("worker-away")));
    drop(worker);
    let orphaned = examined(&["--worker", &nobody]);
    let found = about(&orphaned["result"], APP);
    assert_eq!(found[0]["code"], "no-owner", "{orphaned}");
    assert!(text(&found[0]["fix"]).contains("start its worker"), "{orphaned}");
    let words = ask(&server, &["doctor", "--dev", "http://127.0.0.1:9", "--worker", &nobody]);
    assert!(words.code == 1 && words.out.contains("server-away: "), "{words:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_and_what_is_wrong_is_said() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let unknown = "01J0000000000000000000000Z";
    for (words, code, said) in [
        (&["run", unknown][..], 1, "the server has no run"),
        (&["run", unknown, "--cancel"], 1, ""),
        (&["send", "a/b", "--data", "[]"], 1, "the data is no object"),
        (&["send", "a/b", "--data", "{"], 1, "the data is no JSON"),
        (&["runs", "--function", "five"], 1, "--function needs --app"),
        (&["runs", "--status", "lost"], 2, "lost"),
        (&["runs", "--count", "0"], 2, "0 is not in"),
        (&["run"], 2, "Usage"),
        (&["status", "--dev", "http://127.0.0.1:9"], 1, ""),
        (&["runs", "--dev", "http://127.0.0.1:9"], 1, "cannot be reached"),
    ] {
        let ended = ask(&server, words);
        assert_eq!(ended.code, code, "{words:?}: {ended:?}");
        assert!(ended.err.contains(said), "{words:?}: {ended:?}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
