//! Secrets for programs: they reach the granted one, and get no further.

use serde_json::{Value, json};

use super::Desk;
use crate::captured::Captured;

/// The value of the secret `key`.
const VALUE: &str = "hunter2-but/longer+\"quoted\"";

/// A component that may give its secret to `vault` and `cat`, as input and in the variable `KEY`, and to no other program.
async fn desk() -> Desk {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("notes")).expect("made");
    std::fs::write(folder.path().join("key"), VALUE).expect("written");
    let tables = "[programs.vault]\npath = '/bin/sh'\n[secrets.key]\nfile = '$F/key'";
    let lines = "{ program = 'vault', arguments = ['-c', '*'], variables = ['KEY'] },";
    let secrets = "secrets = [{ name = 'key', to = ['program:vault', 'program:cat'], in = ['input', 'variable'] }]";
    Desk::within(folder, tables, lines, secrets).await
}

fn vault(script: &str) -> Value {
    json!({
        "program": "vault", "arguments": ["-c", script],
        "variables": [["KEY", "<{key}>"]], "input": "[{key}]",
    })
}

/// Neither what was answered nor what was logged has a part of the secret in it.
fn is_kept(said: &str, log: &Captured) {
    for text in [said, &log.text()] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!text.contains("sb-secret-"), "{text}");
    }
}

#[tokio::test]
async fn a_secret_reaches_the_granted_program_as_input_and_in_a_variable() {
    let (desk, log) = (desk().await, Captured::new());
    let script = r#"[ "$KEY" = "<$(cat notes)>" ]"#;
    std::fs::write(desk.folder.path().join("notes/notes"), VALUE).expect("written");
    let mut command = vault(script);
    command["folder"] = json!(["notes", ""]);
    assert_eq!(desk.tells(command).await, "|");
    let length = desk.site.run("counts", json!({ "program": "cat", "input": "[{key}]" })).await;
    assert_eq!(length, format!("done {}", VALUE.len() + 2));
    is_kept("", &log);
}

#[tokio::test]
async fn a_secret_never_reaches_another_program() {
    let (desk, log) = (desk().await, Captured::new());
    let script = "touch notes-was-run; cat; env";
    for part in ["input", "variable"] {
        let mut command = json!({
            "program": "script", "arguments": ["-c", script], "folder": ["notes", ""],
        });
        match part {
            "input" => command["input"] = json!("{key}"),
            _ => command["variables"] = json!([["ADDED", "{key}"]]),
        }
        let told = desk.tells(command).await;
        let expected =
            "Denied: the secret `key` may not go to program:script, and nothing was sent";
        assert!(told.starts_with(expected), "{part}: {told}");
        is_kept(&told, &log);
    }
    assert!(!desk.folder.path().join("notes/notes-was-run").exists());
    let usage = desk.site.runtime.usage()["uses-shell"].clone();
    assert_eq!(usage.of(runtime::placement::Capability::Secrets).denied, 2);
    assert_eq!(desk.denied(), 0, "the program itself is granted");
}

#[tokio::test]
async fn a_secret_in_an_argument_is_refused() {
    let (desk, log) = (desk().await, Captured::new());
    let told = desk.tells(json!({ "program": "vault", "arguments": ["-c", "echo {key}"] })).await;
    assert!(told.starts_with("Invalid: an argument of `vault` holds a placeholder"), "{told}");
    is_kept(&told, &log);
}

#[tokio::test]
async fn a_program_that_prints_its_secret_logs_its_name_only() {
    let (desk, log) = (desk().await, Captured::new());
    let script = "cat; echo; echo \"$KEY\" >&2; printf %s \"$KEY\" | base64";
    let said = desk.site.run("counts", vault(script)).await;
    assert!(said.starts_with("done "), "{said}");
    is_kept(&said, &log);
    let text = log.text();
    assert!(text.contains("[[secret key]]") && text.contains("<[secret key]>"), "{text}");
}

#[tokio::test]
async fn a_step_that_returns_what_a_program_printed_of_its_secret_is_refused() {
    let (desk, log) = (desk().await, Captured::new());
    let said = desk.site.run("tells", vault("cat")).await;
    let expected = "run failed with SecretRevealed: the step's result holds the secret `key`";
    assert!(said.starts_with(expected) && said.ends_with("(Never)"), "{said}");
    is_kept(&said, &log);
}

#[tokio::test]
async fn the_error_of_a_program_that_fails_with_its_secret_shows_its_name_only() {
    let (desk, log) = (desk().await, Captured::new());
    let said = desk.site.run("fails", vault("echo \"no: $KEY\" >&2; exit 1")).await;
    assert!(said.contains("its last words: no: <[secret key]>"), "{said}");
    is_kept(&said, &log);
}
