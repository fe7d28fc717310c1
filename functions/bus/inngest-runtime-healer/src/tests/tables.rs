//! What is read from settings and from what programs say.

use std::time::Duration;

use outside::Exit;
use serde_json::json;

use crate::heal_runtime;
use crate::probe::{Command, Probe};
use crate::settings::Settings;

fn probe(exit: &Exit) -> Probe {
    Probe::of(Command::of("joelclaw", &[], exit), exit)
}

#[test]
fn what_is_healthy() {
    let exit = |code, stdout: &str, stderr: &str| Exit {
        code,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
    };
    let both = r#"{"ok":false,"result":{"checks":{"server":{"ok":true},"worker":{"ok":true}}}}"#;
    let one = r#"{"ok":true,"result":{"checks":{"server":{"ok":true},"worker":{"ok":false}}}}"#;
    let plain = r#"{"ok":true,"checks":{"server":true,"worker":true}}"#;
    let half = r#"{"ok":false,"result":{"checks":{"server":{"ok":true}}}}"#;
    let away = r#"{"ok":true,"result":{"checks":{"server":{"ok":true},"worker":{"ok":true}},"worker":{"reachable":false}}}"#;
    let near = r#"{"ok":true,"worker":{"reachable":true}}"#;
    for (exit, healthy, by) in [
        (exit(0, both, ""), true, "checks"),
        (exit(1, both, ""), true, "checks"),
        (exit(0, one, ""), false, "checks"),
        (exit(0, plain, ""), true, "checks"),
        (exit(0, half, ""), false, "ok"),
        (exit(0, away, ""), false, "worker.reachable"),
        (exit(0, near, ""), true, "ok"),
        (exit(1, "", r#"warning {"ok":true}"#), true, "ok"),
        (exit(0, "{\"ok\":", "false}"), false, "ok"),
        (exit(0, "all well", ""), true, "exit"),
        (exit(0, "[1]", ""), true, "exit"),
        (exit(1, "", "no"), false, "exit"),
        (exit(124, "", "it took longer than it may"), false, "exit"),
    ] {
        let probe = probe(&exit);
        assert_eq!((probe.healthy, probe.by.as_str()), (healthy, by), "{exit:?}");
    }
}

#[test]
fn only_the_beginning_of_output_is_kept() {
    let kept = probe(&Exit { code: 1, stdout: "ä".repeat(1000), stderr: "e".repeat(1000) }).command;
    assert_eq!((kept.stdout.chars().count(), kept.stderr.len()), (340, 340));
}

#[test]
fn settings_have_their_defaults() {
    let read = |key: &'static str, value: &'static str| {
        Settings::of(&move |asked: &str| (asked == key).then(|| value.to_owned()))
    };
    let (status, restart) =
        ("INNGEST_RUNTIME_STATUS_TIMEOUT_MS", "INNGEST_RUNTIME_RESTART_TIMEOUT_MS");
    for (key, value, status_ms, restart_ms) in [
        ("", "", 15_000, 30_000),
        (status, "0", 15_000, 30_000),
        (status, "-1", 15_000, 30_000),
        (status, "soon", 15_000, 30_000),
        (status, "500", 500, 30_000),
        (restart, "0", 15_000, 30_000),
        (restart, "60000", 15_000, 60_000),
    ] {
        let settings = read(key, value);
        let times = (settings.status_within, settings.restart_within);
        let expected = (Duration::from_millis(status_ms), Duration::from_millis(restart_ms));
        assert_eq!(times, expected, "{key}={value}");
    }
    assert_eq!(read("INNGEST_RUNTIME_PROGRAM", " ").program, "joelclaw");
}

#[test]
fn the_remedy_never_forces_anything() {
    assert_eq!(
        Settings::restart(),
        ["inngest", "restart-worker", "--register", "--wait-ms", "1500"]
    );
}

#[test]
fn it_is_declared_with_three_triggers() {
    let declared = <heal_runtime as system_bus_sdk::Function>::DECLARATION;
    let declared = serde_json::to_value(declared).expect("it is JSON");
    assert_eq!(declared["id"], "system/self-healing.inngest-runtime");
    assert_eq!(declared["retries"], 1);
    assert_eq!(declared["concurrency"], json!([{"limit": 1}]));
    assert_eq!(
        declared["triggers"],
        json!([
            {"cron": "TZ=America/Los_Angeles */10 * * * *"},
            {"event": "system/inngest.runtime.health.requested"},
            {"event": "system/self.healing.requested"},
        ])
    );
}
