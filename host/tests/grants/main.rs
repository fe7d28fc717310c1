//! The file of grants and the command `grants`, with the whole program: a worker with real components, and an engine that
//! calls it.

#[path = "../../capabilities/tests/guests/uses_secrets/echo.rs"]
mod echo;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
mod process;
mod scene;
mod secret;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "only a part of the server is needed")]
mod server;

use serde_json::json;

use self::patience::eventually;
use self::scene::{Scene, said};

const NOTES: &str = r#"
    { root = "notes", access = "read-write" }, { root = "old" }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_imported_granted_used_and_denied_is_told_line_by_line_with_the_smaller_grant() {
    let scene = Scene::of(&[guests::USES_FS, guests::USES_HTTP]);
    let lines =
        format!("[components.uses-fs]\nfs = [{NOTES}]\n[components.later]\noptional = true\n");
    let grants = scene.grants(&lines);
    let worker = scene.worker(&grants).await;
    // Two calls that are allowed, and one of a root that nobody granted.
    let event = json!({ "do": [
        ["read", "notes", "a.txt"], ["list", "notes", ""], ["write", "private", "b.txt", "hers"],
    ] });
    let run = scene.ended("testing/fs.listed", &event).await;
    assert_eq!(run.result()[2].as_str().map(|said| &said[..6]), Some("Denied"));

    let shown = scene.command(&["--json", "grants", "--worker", &worker.origin]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let shown = &shown.json()["result"];
    assert_eq!(shown["process"], worker.id, "who counted is told");
    assert_eq!(shown["strangers"], json!(["later"]));
    let components = shown["components"].as_array().expect("components");
    let of = |name: &str| components.iter().find(|one| one["name"] == name).expect("it is here");
    let files = of("uses-fs");
    let row = |component: &serde_json::Value, capability: &str| {
        let rows = component["capabilities"].as_array().expect("rows");
        rows.iter().find(|row| row["capability"] == capability).expect("a row").clone()
    };
    assert_eq!(
        row(files, "fs"),
        json!({ "capability": "fs", "imported": true, "granted": true, "authority": true, "calls": 3, "denied": 1, "lost": 0 })
    );
    assert_eq!(row(of("uses-http"), "http")["granted"], false);
    let part = |name: &str, calls: u64| json!({ "name": name, "calls": calls });
    assert_eq!(
        files["lines"],
        json!([
            { "capability": "fs", "line": "{ root = \"notes\", access = \"read-write\" }", "calls": 2,
                "parts": [part("read", 2), part("write", 0)] },
            { "capability": "fs", "line": "{ root = \"old\" }", "calls": 0,
                "parts": [part("read", 0), part("write", 0)] },
        ])
    );
    let smaller = files["smaller"]["toml"].as_str().expect("TOML");
    assert_eq!(smaller, "[components.uses-fs]\nfs = [{ root = \"notes\", access = \"read\" }]");

    // What is suggested can be pasted, and is enough.
    let pasted = scene.grants(smaller);
    let components = scene.components();
    let checked = scene.command(&["grants", "--check", &pasted, "--components", &components]);
    assert_eq!(checked.code, 0, "{checked:?}");

    // The same for people.
    let words = scene.command(&["grants", "--worker", &worker.origin]);
    for part in [
        "not granted: uses-http imports http; its calls are refused",
        "not here: the grants name later",
        "fs: { root = \"old\" } was not used",
        smaller,
    ] {
        assert!(words.out.contains(part), "{part}\nis not in\n{}", words.out);
    }

    // What a worker's health says, and the audit record of what was denied.
    let health = scene.server.health(worker.address).await;
    let warnings = health["warnings"].to_string();
    assert!(
        warnings.contains("component uses-http imports http, and no grant allows it"),
        "{warnings}"
    );
    assert!(!warnings.contains("later"), "it may be missing: {warnings}");
    let record = eventually("the audit record is written", async || worker.audit()).await;
    assert_eq!(record["target"], "audit");
    for (field, value) in [
        ("component", "uses-fs"),
        ("function", "does"),
        ("step", "do"),
        ("capability", "fs"),
        ("what", "write of \"b.txt\" in the root \"private\""),
    ] {
        assert_eq!(record["fields"][field], value, "{record}");
    }
    assert_eq!(record["fields"]["run"].as_str().map(str::len), Some(26), "{record}");
}

#[test]
fn a_start_with_grants_for_a_component_that_is_not_there_fails_with_its_place() {
    let scene = Scene::of(&[guests::USES_CONFIG]);
    let wrong = "\n[components.uses-cofnig.config]\na = 'b'\n[components.gone]\n";
    let grants = scene.write("wrong.toml", wrong);
    let arguments = scene.arguments(&grants);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    for command in [
        [&["worker"][..], &arguments].concat(),
        scene.dev(&grants).iter().map(String::as_str).collect(),
        vec!["grants", "--check", &grants, "--components", &scene.components()],
    ] {
        let failed = scene.command(&command);
        assert_eq!(failed.code, 1, "{command:?}: {failed:?}");
        for part in [
            "wrong.toml names what is not there",
            "line 2, column 13: no component is called `uses-cofnig`: did you mean `uses-config`?",
            "line 4, column 13: no component is called `gone`: there is `uses-config`",
            "`optional = true`",
        ] {
            assert!(failed.err.contains(part), "{command:?} does not say {part}:\n{}", failed.err);
        }
    }
}

#[test]
fn a_file_that_is_wrong_stops_the_start_with_all_that_is_wrong_with_it() {
    let scene = Scene::of(&[guests::USES_CONFIG]);
    let grants = scene.write(
        "wrong.toml",
        "[components.uses-config]\nfs = [{ rot = 'notes' }]\nshel = []\n[roots.notes]\npath = 'notes'\n",
    );
    let arguments = scene.arguments(&grants);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    for command in [
        [&["worker"][..], &arguments].concat(),
        vec!["grants", "--check", &grants],
        vec!["--json", "grants", "--check", &grants],
    ] {
        let failed = scene.command(&command);
        assert_eq!(failed.code, 1, "{command:?}: {failed:?}");
        let said = said(&failed);
        for part in [
            "line 2, column 9: unknown key `rot`: did you mean `root`?",
            "line 3, column 1: unknown key `shel`: did you mean `shell`?",
            "line 5, column 8: `notes` is not absolute",
        ] {
            assert!(said.contains(part), "{command:?} does not say {part}:\n{said}");
        }
    }
    assert!(!scene.versions().exists(), "nothing was begun");
}
