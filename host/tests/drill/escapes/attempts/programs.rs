//! Attempts with programs.

use std::fs;

use serde_json::{Value, json};

use crate::escapes::attempt::Attempt;
use crate::escapes::attempt::Refusal::Told;
use crate::escapes::scene::{SLEEPS, Scene};

const PROGRAMS: &str = "testing/programs.tried";

/// What a program would make that was started by a shell in between.
const MADE: &str = "made-by-a-shell";

fn tries(what: &'static str, tries: Value, told: &'static [&'static str]) -> Attempt {
    Attempt::new(what, PROGRAMS, tries, Told(told)).unless(|scene| {
        let made = scene.path("files").join(MADE).exists();
        made.then(|| format!("{MADE} is there")).or_else(|| still_running(scene))
    })
}

fn script(script: &str) -> Value {
    json!([{ "program": "script", "arguments": ["-c", script] }])
}

pub(super) fn attempts() -> Vec<Attempt> {
    let echo = |arguments: &[&str]| json!({ "program": "echo", "arguments": arguments });
    let made = format!("touch {MADE}");
    let shells = ["sh", "/bin/sh", "../bin/sh", "bash", "SCRIPT", ""];
    let shells = shells.map(|shell| json!({ "program": shell, "arguments": ["-c", made] }));
    let variables = ["PATH", "LD_PRELOAD", "IFS"];
    let variables = variables.map(
        |name| json!({ "program": "echo", "arguments": ["x"], "variables": [[name, "/tmp"]] }),
    );
    let interpreted = format!("$({made}); `{made}` && {made} | {made} > {MADE}");
    let [bomb, deaf, daemon] = SLEEPS;
    vec![
        tries("`sh -c` with a shell that is not granted", json!(shells), &["Denied: "]),
        tries("a PATH of the component's own", json!(variables), &["Denied: "]),
        tries(
            "a program of the same name in its folder",
            json!([{ "program": "./echo", "arguments": ["x"], "folder": ["files", ""] }]),
            &["Denied: "],
        ),
        tries(
            "an argument that is an option, none, or one more",
            json!([echo(&["--version"]), echo(&["-n"]), echo(&[]), echo(&["a", "b"])]),
            &["Denied: "],
        ),
        tries(
            "an argument for a shell",
            json!([{
                "program": "echo", "arguments": [interpreted], "folder": ["files", ""],
            }]),
            // It arrives as it is.
            &["ran: $(touch"],
        ),
        tries(
            "a working folder outside",
            json!([{
                "program": "script", "arguments": ["-c", made], "folder": ["files", "../outside"],
            }, {
                "program": "script", "arguments": ["-c", made], "folder": ["files", "to-folder"],
            }]),
            &["Denied: "],
        )
        .unless(Scene::outside_changed),
        tries("the worker's environment, from a program", script("env"), &["ran: "]),
        tries(
            "a fork bomb",
            script(&format!(
                "i=0; while [ $i -lt 64 ]; do sleep {bomb} & i=$((i + 1)); done; wait"
            )),
            &["Crowded after "],
        ),
        tries(
            "a program that ignores SIGTERM",
            script(&format!("trap '' TERM; while :; do sleep {deaf}; done")),
            &["Late after "],
        ),
        tries(
            "a program that leaves its session",
            script(&format!("setsid sleep {daemon} & sleep 0.5")),
            &["ran: "],
        ),
        tries(
            "1 GiB of output",
            script("head -c 1073741824 /dev/zero"),
            &["Flooded after 65536 bytes"],
        ),
    ]
}

/// A program of an attempt that has outlived it, whichever it was.
fn still_running(scene: &Scene) -> Option<String> {
    let own = scene.worker.id().to_string();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let of_the_worker = processes.filter(|process| process.file_name() != own.as_str());
    for process in of_the_worker {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        // Another attempt may still be in its time: only who has lost its parent has outlived anything.
        if SLEEPS.iter().any(|mark| line == format!("sleep\0{mark}\0")) && orphaned(&process) {
            return Some(format!("{line:?} still runs"));
        }
    }
    None
}

/// Whether whoever started a process has ended.
fn orphaned(process: &fs::DirEntry) -> bool {
    let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
    status.lines().any(|line| line.split_whitespace().eq(["PPid:", "1"]))
}
