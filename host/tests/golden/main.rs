//! What every command says, word for word, to people and to programs, where it goes well and where it does not: `said/` has it.
//! `SYSTEM_BUS_WRITE_PAGES=1 cargo test --workspace --test golden` writes it anew.

mod commands;
mod normal;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
#[allow(dead_code, reason = "other tests ask for more")]
mod process;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "other tests ask for more")]
mod server;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use self::commands::COMMANDS;
use self::normal::Normal;
use self::patience::eventually;
use self::process::{Process, folder_of, free_address};
use self::server::{Mode, Server};

/// A server that has run something, and a worker.
struct Scene {
    // First, so that it does not outlive its server.
    worker: Process,
    server: Server,
    event: String,
    run: String,
    components: TempDir,
    folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let server = Server::own(Mode::Dev);
        let components = folder_of(&[guests::STEPS]);
        let worker = server.worker(&components, free_address()).await;
        let event = server.send("testing/five.requested", &json!({})).await;
        let run = server.ended(&event).await.run;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("grants.toml"), "[components.steps]\nhtp = []\n")
            .expect("written");
        std::fs::write(folder.path().join("text.wasm"), "this is no component").expect("written");
        Self { worker, server, event, run, components, folder }
    }

    /// The words of a command, with everything filled in.
    fn words(&self, words: &str) -> Vec<String> {
        let fill = |word: &str| {
            let word = word.replace("{worker}", &format!("http://{}", self.worker.address));
            let word = word.replace("{event}", &self.event).replace("{run}", &self.run);
            let word = word.replace("{folder}", &self.folder.path().to_string_lossy());
            word.replace("{components}", &self.components.path().to_string_lossy())
        };
        words.split(' ').map(fill).collect()
    }

    /// Runs it, and says what it said.
    fn said(&self, words: &str, normal: &Normal) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["INNGEST_", "SYSTEM_BUS_", "REDIS_"].iter().any(|of| name.starts_with(of)) {
                command.env_remove(name);
            }
        }
        let output = command
            .args(self.words(words))
            .current_dir(self.folder.path())
            .env("INNGEST_DEV", self.server.origin())
            .env("HOME", self.folder.path())
            .output()
            .expect("the program runs");
        let mut said =
            format!("$ system-bus {words}\nexit code {}\n", output.status.code().unwrap_or(-1));
        for (name, bytes) in [("out", &output.stdout), ("err", &output.stderr)] {
            let text = normal.of(&String::from_utf8_lossy(bytes));
            if !text.is_empty() {
                let _ = write!(said, "--- {name}\n{text}\n");
            }
        }
        said
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_says_what_it_said() {
    let scene = Scene::set().await;
    // Lists are read from what the server has written a moment later.
    eventually("the run is listed", async || {
        let runs = scene.said("runs --json", &Normal::default());
        runs.contains("COMPLETED").then_some(())
    })
    .await;
    let normal = Normal::of_folders(&[scene.folder.path(), scene.components.path()]);
    let write = std::env::var("SYSTEM_BUS_WRITE_PAGES").is_ok_and(|set| set == "1");
    let mut differ = Vec::new();
    for (name, all) in COMMANDS {
        let mut said = String::new();
        for words in *all {
            for words in [(*words).to_owned(), format!("{words} --json")] {
                said.push_str(&scene.said(&words, &normal));
                said.push('\n');
            }
        }
        let file = folder().join(format!("{name}.txt"));
        if write {
            std::fs::write(&file, &said).expect("written");
        }
        let there = std::fs::read_to_string(&file).unwrap_or_default();
        if said != there {
            let lines = said.lines().zip(there.lines());
            let first = lines.into_iter().find(|(now, there)| now != there);
            differ.push(format!("{name}: {first:?}"));
        }
    }
    let how = "write them anew with SYSTEM_BUS_WRITE_PAGES=1 cargo test --workspace --test golden, and look at the difference";
    assert!(differ.is_empty(), "{}\n{how}", differ.join("\n"));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/said")
}

/// Commands that serve until they are stopped, compile for minutes, or speak to their own parent, are shown failing, or elsewhere.
const ELSEWHERE: [&str; 6] = ["demo", "dev", "engine", "build", "completions", "help"];

#[test]
fn each_command_is_among_them_well_and_not() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let headings =
        page.lines().filter_map(|line| line.strip_prefix("## `system-bus ")?.strip_suffix('`'));
    let all: BTreeSet<&str> = headings.collect();
    // A command with commands below it says nothing itself.
    let below = |name: &&str| !all.iter().any(|other| other.starts_with(&format!("{name} ")));
    let mut missing = Vec::new();
    for name in all.iter().filter(|name| below(name) || **name == "run") {
        if ELSEWHERE.contains(name) {
            continue;
        }
        let shown = COMMANDS.iter().flat_map(|(_, all)| all.iter());
        let shown: Vec<_> = shown
            .filter(|words| **words == *name || words.starts_with(&format!("{name} ")))
            .collect();
        if shown.is_empty() {
            missing.push(*name);
        }
    }
    assert!(missing.is_empty(), "no words of {missing:?}");
    // What was said holds both ends of every file.
    for (name, _) in COMMANDS {
        let said =
            std::fs::read_to_string(folder().join(format!("{name}.txt"))).expect("it was said");
        let codes: BTreeSet<_> =
            said.lines().filter_map(|line| line.strip_prefix("exit code ")).collect();
        assert!(codes.len() > 1, "{name}: only {codes:?}");
        for object in said.split("--- out\n").skip(1).filter(|out| out.starts_with('{')) {
            let end = object.find("\n}\n").map_or(object.len(), |at| at + 2);
            let answer: Value =
                serde_json::from_str(&object[..end]).unwrap_or_else(|_| panic!("{name}: {object}"));
            assert!(answer["command"].is_string() && answer["ok"].is_boolean(), "{name}: {answer}");
        }
    }
}
