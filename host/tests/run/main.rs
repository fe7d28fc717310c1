//! `run pull` and `run replay`, with the whole program: runs of an engine as files, and what code makes of them.

#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "only a part of the server is needed")]
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::recording::{Exactness, RecordedStatus, Recording};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::patience::eventually;
use self::process::{Process, folder_of, free_address};
use self::server::{Mode, Server};

const SIGNING_KEY: &str = "signkey-test-0123456789abcdef0123456789abcdef";

/// An engine that wants to be asked with its key, and a worker with the first version of a function.
struct Scene {
    server: Server,
    /// Killed by the tests that need nothing of the server any more.
    worker: Option<Process>,
    components: TempDir,
    files: TempDir,
}

/// How a command has ended.
#[derive(Debug)]
struct Finished {
    code: i32,
    out: String,
    err: String,
}

impl Finished {
    /// The answer's result, from `--json`.
    fn result(&self) -> Value {
        let answer: Value = serde_json::from_str(&self.out).expect("one JSON object");
        assert_eq!(answer["ok"] == true, self.code == 0, "{self:?}");
        answer["result"].clone()
    }
}

impl Scene {
    async fn start() -> Self {
        let server = Server::own(Mode::Signed);
        let components = folder_of(&[guests::VERSIONED]);
        let worker = Some(server.worker(&components, free_address()).await);
        Self { server, worker, components, files: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// The worker's versions folder.
    fn versions(&self) -> String {
        self.components.path().join("versions").to_string_lossy().into_owned()
    }

    /// Begins a run that naps for so many milliseconds; its id, when its engine knows it.
    async fn run(&self, wait: u64) -> String {
        let data = json!({ "wait": wait, "card": "4711", "token": "s3cr3t-of-the-shop" });
        let event = self.server.send("testing/versioned.requested", &data).await;
        let url = format!("{}/v1/events/{event}/runs", self.server.origin());
        let client = reqwest::Client::new();
        eventually("the run", async || {
            let request = client.get(&url).bearer_auth(SIGNING_KEY);
            let runs: Value = request.send().await.ok()?.json().await.ok()?;
            let run = &runs["data"][0];
            let settled = if wait > 1_000 { "Running" } else { "Completed" };
            (run["status"] == settled).then(|| run["run_id"].as_str().map(str::to_owned))?
        })
        .await
    }

    fn command(&self, words: &[&str]) -> Finished {
        let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("INNGEST_") || name.starts_with("SYSTEM_BUS_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.files.path())
            .env("INNGEST_BASE_URL", self.server.origin())
            .env("INNGEST_SIGNING_KEY", SIGNING_KEY)
            .env("SHOP_TOKEN", "s3cr3t-of-the-shop")
            .env("SYSTEM_BUS_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"));
        let output = command.args(words).output().expect("the program runs");
        Finished {
            code: output.status.code().expect("it ends by itself"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn replay(&self, file: &Path, component: &str) -> Finished {
        let file = file.to_string_lossy();
        self.command(&["run", "replay", &file, "--component", component, "--json"])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_home_as_a_file_and_tells_where_other_code_parts_from_it() {
    let mut scene = Scene::start().await;
    let (ended, parked) = (scene.run(1).await, scene.run(3_600_000).await);
    for (run, name, status, steps) in [
        (&ended, "ended.json", RecordedStatus::Completed, 6),
        (&parked, "parked.json", RecordedStatus::Running, 2),
    ] {
        let file = scene.file(name);
        let words = ["run", "pull", run, "--out", name, "--versions", &scene.versions(), "--json"];
        let report = scene.command(&words).result();
        assert_eq!((&report["steps"], &report["memos"]), (&json!(steps), &json!("state")));
        let text = std::fs::read_to_string(&file).expect("it was written");
        let recording = Recording::parse(&text).expect("a recording");
        assert_eq!((recording.status, recording.memos), (status, Exactness::State));
        assert_eq!(recording.steps[1].name.as_deref(), Some("two"));
        assert_eq!(recording.steps[1].memo.get(), r#"{"data":"1.two"}"#);
        assert_eq!(recording.events.len(), 1);
        assert!(recording.digest.is_some());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "nobody else reads what a run worked with");
        }
    }
    // Nothing of a worker is needed from here on.
    scene.worker = None;
    let (ended, parked) = (scene.file("ended.json"), scene.file("parked.json"));

    let same = scene.replay(&ended, guests::VERSIONED);
    let report = same.result();
    assert_eq!(
        (same.code, &report["parting"], &report["end"]["compared"]),
        (0, &json!(null), &json!(true))
    );
    assert_eq!(report["followed"][2], json!({ "position": 3, "name": "nap", "kind": "sleep" }));

    for (component, position, step, reason, asks) in [
        (
            guests::VERSIONED_RENAMED,
            2,
            json!("two"),
            "orphaned",
            json!([{"name": "second", "kind": "run"}]),
        ),
        (
            guests::VERSIONED_REMOVED,
            2,
            json!("two"),
            "orphaned",
            json!([{"name": "nap", "kind": "sleep"}]),
        ),
        (
            guests::VERSIONED_RETYPED,
            2,
            json!("two"),
            "type-changed",
            json!([{"name": "two", "kind": "run"}]),
        ),
        (
            guests::VERSIONED_APPENDED,
            7,
            json!(null),
            "other-end",
            json!([{"name": "six", "kind": "run"}]),
        ),
    ] {
        let told = scene.replay(&ended, component);
        let parting = &told.result()["parting"];
        assert_eq!(told.code, 3, "{told:?}");
        assert_eq!(
            (&parting["position"], &parting["step"]),
            (&json!(position), &step),
            "{parting}"
        );
        assert_eq!(
            (&parting["reason"], &parting["code"]["steps"]),
            (&json!(reason), &asks),
            "{parting}"
        );
    }
    let alias = scene.replay(&ended, guests::VERSIONED_ALIAS);
    assert_eq!(alias.code, 0, "an alias carries the step over: {alias:?}");
    // What comes after the nap of the parked run is nobody's business yet.
    assert_eq!(scene.replay(&parked, guests::VERSIONED_APPENDED).code, 0);

    // The code that the run began with, from the worker's versions; for people.
    let words = ["run", "replay", "ended.json", "--versions", &scene.versions()];
    let old = scene.command(&words);
    assert_eq!(old.code, 0, "{old:?}");
    assert!(old.out.contains("   3  nap (sleep)\n"), "{}", old.out);
    assert!(old.out.contains("all 6 steps fit; then this code returns"), "{}", old.out);
    let words = ["run", "replay", "ended.json", "--component", guests::VERSIONED_RENAMED];
    let renamed = scene.command(&words);
    let says = "they part at step 2, `two`, recorded as a step with a result";
    assert!(renamed.code == 3 && renamed.out.contains(says), "{renamed:?}");
    assert!(renamed.out.contains("This code asks for `second` (run)"), "{renamed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_else_may_see_stays_here() {
    let scene = Scene::start().await;
    let run = scene.run(1).await;
    let grants = scene.file("grants.toml");
    let lines = "[secrets.shop]\nenv = \"SHOP_TOKEN\"\n";
    std::fs::write(&grants, lines).expect("our own folder");
    let pulled = scene.command(&[
        "run",
        "pull",
        &run,
        "--redact",
        "events.data.card",
        "--redact",
        "steps.two",
        "--grants",
        "grants.toml",
    ]);
    assert_eq!(pulled.code, 0, "{pulled:?}");
    let recording = Recording::parse(&pulled.out).expect("a recording on the standard output");
    assert_eq!(recording.redacted, ["events.data.card", "steps.two"]);
    assert_eq!(recording.steps[1].memo.get(), r#"{"data":"[redacted]"}"#);
    for gone in ["4711", "s3cr3t-of-the-shop", "1.two"] {
        assert!(!recording.events[0].get().contains(gone), "{gone}: {}", recording.events[0]);
    }
    assert!(recording.events[0].get().contains("[secret shop]"), "{}", recording.events[0]);
    // Values of the same type stand in place of others, so the code still goes its way; its end tells that they differ.
    std::fs::write(scene.file("redacted.json"), &pulled.out).expect("our own folder");
    let replayed = scene.replay(&scene.file("redacted.json"), guests::VERSIONED);
    let report = replayed.result();
    assert_eq!(report["followed"].as_array().map(Vec::len), Some(6));
    assert_eq!(report["parting"]["reason"], "other-end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_says_why() {
    let scene = Scene::start().await;
    let unknown = "01M81GXW71CEV7JQT6T4T8NAKZ";
    std::fs::write(scene.file("other.json"), "{\"format\":\"other\",\"version\":1}")
        .expect("our own folder");
    for (words, code, says) in [
        (&["run", "pull", unknown][..], 1, "the server has no run 01M81GXW71CEV7JQT6T4T8NAKZ"),
        (&["run", "pull", "x"], 2, "invalid value 'x'"),
        (&["run", "pull", unknown, "--redact", "card"], 2, "is no path of a recording"),
        (&["run", "pull", unknown, "--dev", "http://127.0.0.1:1"], 1, "cannot be reached"),
        (
            &["run", "replay", "gone.json", "--component", guests::VERSIONED],
            1,
            "gone.json cannot be read",
        ),
        (
            &["run", "replay", "other.json", "--component", guests::VERSIONED],
            1,
            "it is no recording of a run",
        ),
    ] {
        let told = scene.command(words);
        assert!(told.code == code && told.err.contains(says), "{words:?}: {told:?}");
    }
    let run = scene.run(1).await;
    let pulled = scene.command(&["run", "pull", &run, "--out", "run.json"]);
    assert!(pulled.code == 0 && pulled.out.contains("6 steps, as calls carry it"), "{pulled:?}");
    let nothing = scene.command(&["run", "replay", "run.json"]);
    assert!(
        nothing.code == 1 && nothing.err.contains("name the code with --component"),
        "{nothing:?}"
    );
    let other = scene.command(&["run", "replay", "run.json", "--component", guests::STEPS]);
    assert!(
        other.code == 1 && other.err.contains("has no function versioned; it has"),
        "{other:?}"
    );
}
