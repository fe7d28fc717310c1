//! What becomes of a secret that a component got back from a server: neither what the engine keeps nor what the worker logs
//! has it.

use std::path::Path;

use serde_json::json;

use crate::echo::Echo;
use crate::scene::Scene;

/// With what each form writes in its own way.
const VALUE: &str = "hunter2-but/longer+\"quoted\"";

/// What the component tries, and whether its run may complete: what only the log would have seen is redacted there.
const ATTEMPTS: [(&str, bool); 16] = [
    ("step-result", false),
    ("step-error", false),
    ("step-key", false),
    ("event", false),
    ("event-name", false),
    ("invocation", false),
    ("awaited-name", false),
    ("signal", false),
    ("signal-data", false),
    ("fetch", false),
    ("result", false),
    ("error", false),
    ("panic", false),
    ("print", true),
    ("print-error", true),
    ("log", true),
];

const FORMS: [&str; 5] = ["plain", "json", "base64", "hex", "percent"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_in_nothing_that_the_engine_keeps_and_in_nothing_that_the_worker_logs() {
    let echo = Echo::start().await;
    let scene = Scene::of(&[guests::USES_SECRETS]).in_role("cluster");
    let file = scene.write("key", VALUE);
    let origin = echo.origin();
    let grants = scene.grants(&format!(
        "[secrets.key]\nfile = '{file}'\n[components.uses-secrets]\n\
         http = [{{ to = '{origin}/**', private = true }}]\n\
         secrets = [{{ name = 'key', to = ['{origin}'] }}]\n"
    ));
    let worker = scene.worker(&grants).await;
    let mut begun = Vec::new();
    for (attempt, completes) in ATTEMPTS {
        for form in FORMS {
            let asked = json!({ "to": format!("{origin}/echo"), "attempt": attempt, "text": form });
            let event = scene.server.send("testing/secret.told", &asked).await;
            begun.push((attempt, completes, form, event));
        }
    }
    let (rounds, mut told) = (begun.len(), String::new());
    for (attempt, completes, form, event) in begun {
        let ended = scene.server.ended(&event).await;
        let said = format!("{attempt} {form}: {ended:?}");
        assert_eq!(ended.status == "Completed", completes, "{said}");
        let logs = format!("{}/api/logs?run={}", worker.origin, ended.run);
        let answer = reqwest::get(&logs).await.expect("the worker answers");
        told += &answer.text().await.expect("text");
        // It failed for what it told, and says of what.
        assert!(completes || said.contains("key"), "{said}");
    }
    // Once for each, and once more for those that panicked and were tried again.
    assert!(echo.heard().len() >= rounds, "the secret did go out each time");

    let kept = scene.server.data().expect("an engine of our own");
    let mut files = Vec::new();
    bytes_below(kept, &mut files);
    files.push(("the log of the worker".to_owned(), worker.log().into_bytes()));
    assert!(told.matches("[secret key]").count() >= 4 * FORMS.len(), "{told}");
    files.push(("what the worker tells of its runs".to_owned(), told.into_bytes()));
    let logged = worker.log().matches("[secret key]").count();
    assert!(logged >= 4 * FORMS.len(), "{logged} redacted");
    for (name, bytes) in &files {
        for form in forms() {
            let found = bytes.windows(form.len()).any(|part| part == form.as_bytes());
            assert!(!found, "{form} is in {name}");
        }
    }
    let asked = files.iter().any(|(_, bytes)| bytes.windows(11).any(|part| part == b"signal-data"));
    assert!(asked, "what was asked for is there: this is where the engine keeps things");
}

/// How the secret would be found.
fn forms() -> Vec<String> {
    let digits = VALUE.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    // Whole groups of three from the middle of it, as they are after `user:`.
    let base64 = "dW50ZXIyLWJ1dC9sb25nZXIr".to_owned();
    vec!["hunter2".to_owned(), hex, base64]
}

fn bytes_below(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            bytes_below(&path, files);
        } else {
            files.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
}
