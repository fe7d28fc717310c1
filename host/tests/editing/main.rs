//! The whole loop: a function is made, built, run, edited, broken and mended, and each event is served by the code that is
//! meant.

#[path = "../support/edited.rs"]
mod edited;
#[path = "../support/patience.rs"]
#[allow(dead_code, reason = "only how long things may take")]
mod patience;

use std::cell::RefCell;

use serde_json::{Value, json};

use self::edited::{Dev, Edited, Sender};

fn said(output: &std::process::Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Sends an event that greets somebody, and waits for what its run ends with.
async fn greeted(dev: &Dev, sender: &Sender, function: &str, name: &str) -> Value {
    sender.send(&format!("{function}/greeting.requested"), &json!({ "name": name })).await;
    // Only this run greets this name.
    let ends = |line: &Value| line["what"] == "run_completed" && line.to_string().contains(name);
    dev.until("the run ends", ends).1["output"]["greeting"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_is_made_run_edited_broken_and_mended() {
    let edited = Edited::new("greeter");
    let again = edited.make();
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(
        said(&again).contains("is there already, and nothing is overwritten"),
        "{}",
        said(&again)
    );

    let dev = edited.dev();
    let up = dev.up();
    let sender = Sender::to(&up);
    let first = dev.told("reloaded");
    assert_eq!(first["components"], json!([{ "name": "greeter", "verdict": "activated" }]));
    let sample = dev.told("run_completed");
    assert_eq!(sample["output"]["greeting"], "Hello, world!", "its sample was sent at the start");

    // A run begins with the first code, and sleeps while it is replaced.
    sender.send("greeter/greeting.requested", &json!({ "name": "sleeper" })).await;
    dev.told("sleeping");
    let original = edited.read("src/lib.rs");
    edited.save("src/lib.rs", &original.replace("Hello,", "Goodbye,"));
    dev.until("the build names what was saved", |line| {
        line["what"] == "building" && line["saved"] == json!(["src/lib.rs"])
    });
    let slept = RefCell::new(None);
    let (_, reloaded) = dev.until("the reload", |line| {
        if line["what"] == "run_completed" {
            slept.replace(Some(line.clone()));
        }
        line["what"] == "reloaded"
    });
    assert!(reloaded["took"]["rest_ms"].is_u64(), "{reloaded}");
    let slept = slept.into_inner().unwrap_or_else(|| dev.told("run_completed"));
    assert_eq!(slept["output"]["greeting"], "Hello, sleeper!", "what it had stored it keeps");
    assert_eq!(greeted(&dev, &sender, "greeter", "second").await, "Goodbye, second!");

    // The run goes home as a file, asked for with the key that lies beside the engine's state, and replays.
    let engine = up["engine"].as_str().expect("an address").to_owned();
    let data = edited.folders()[1].clone();
    let run = sample["run"].as_str().expect("the run of the sample").to_owned();
    let pull = ["run", "pull", &*run, "--out", "sample.json", "--dev", &*engine, "--dev-data"];
    let elsewhere = edited.run(&[&pull[..], &["nowhere"]].concat());
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(said(&elsewhere).contains("--dev-data DIR"), "{}", said(&elsewhere));
    let pulled = edited.run(&[&pull[..], &[&*data]].concat());
    assert!(pulled.status.success(), "{}", said(&pulled));
    let component = format!("{data}/components/greeter.wasm");
    let replayed =
        edited.run(&["--json", "run", "replay", "sample.json", "--component", &component]);
    // The code is another one by now, and goes the run's way: what was said is stored.
    assert!(replayed.status.success(), "{}", said(&replayed));
    let replayed: Value = serde_json::from_slice(&replayed.stdout).expect("JSON");
    assert_eq!(replayed["result"]["end"]["code"]["returns"]["greeting"], "Hello, world!");

    // What does not compile changes nothing, and is shown in place.
    edited.save("src/lib.rs", &original.replace("Ok(Greeted { greeting })", "Ok(greeting)"));
    let refused = dev.told("refused");
    assert_eq!(refused["serving"], true);
    let error = &refused["errors"][0];
    assert_eq!(error["message"], "mismatched types", "{refused}");
    assert!(
        error["place"].as_str().is_some_and(|place| place.starts_with("src/lib.rs:")),
        "{error}"
    );
    assert!(
        error["rendered"].as_str().is_some_and(|text| text.contains("Ok(greeting)")),
        "{error}"
    );
    assert_eq!(greeted(&dev, &sender, "greeter", "third").await, "Goodbye, third!");

    // Undone: the bytes are those of the first code, which is no reason to keep the second.
    edited.save("src/lib.rs", &original);
    dev.told("reloaded");
    assert_eq!(greeted(&dev, &sender, "greeter", "fourth").await, "Hello, fourth!");

    // A file of no package that goes into it all the same.
    let words = edited.folder().with_file_name("words.txt");
    std::fs::write(&words, "Salut").expect("written");
    let plain = r#""Hello, {}!", requested.name"#;
    let read = r#""{}, {}!", include_str!("../../words.txt"), requested.name"#;
    assert!(original.contains(plain), "{original}");
    edited.save("src/lib.rs", &original.replace(plain, read));
    dev.told("reloaded");
    std::fs::write(&words, "Servus").expect("written");
    dev.told("reloaded");
    assert_eq!(greeted(&dev, &sender, "greeter", "sixth").await, "Servus, sixth!");
    edited.save("src/lib.rs", &original);
    dev.told("reloaded");

    // A manifest that cargo cannot read, and one that it can.
    let manifest = edited.read("Cargo.toml");
    edited.save("Cargo.toml", "[package\n");
    let failed = dev.told("failed");
    assert!(
        failed["reason"].as_str().is_some_and(|reason| reason.contains("Cargo.toml")),
        "{failed}"
    );
    edited.save("Cargo.toml", &manifest);
    dev.told("reloaded");
    assert_eq!(greeted(&dev, &sender, "greeter", "fifth").await, "Hello, fifth!");
    assert!(dev.stop().success());
}

#[test]
fn a_function_is_tested_and_built_for_use() {
    let edited = Edited::new("farewell");
    let tested = edited.cargo(&["test"]);
    assert!(tested.status.success() && said(&tested).contains("1 passed"), "{}", said(&tested));

    let built = edited.run(&["--json", "build"]);
    assert!(built.status.success(), "{}", said(&built));
    let answer: Value = serde_json::from_slice(&built.stdout).expect("JSON");
    let component = &answer["result"][0];
    assert_eq!(component["name"], "farewell");
    assert_eq!((&component["role"], &component["forced_by"]), (&json!("cluster"), &json!([])));
    let file = edited.folder().join("target/functions/farewell.wasm");
    let bytes = std::fs::read(&file).expect("it was placed");
    assert_eq!(component["bytes"], bytes.len());
    assert_eq!(component["digest"], protocol::digest::Digest::of(&bytes).to_string());
    let debug = edited.run(&["--json", "build", "farewell", "--debug", "--out", "debug"]);
    assert!(debug.status.success(), "{}", said(&debug));
    let whole = std::fs::read(edited.folder().join("debug/farewell.wasm")).expect("it was placed");
    let has_lines = |bytes: &[u8]| bytes.windows(11).any(|window| window == b".debug_line");
    assert!(has_lines(&whole) && !has_lines(&bytes) && bytes.len() * 2 < whole.len());
    // What was stripped is as good a component.
    let inspected = edited.run(&["--json", "inspect", &file.to_string_lossy()]);
    assert!(inspected.status.success(), "{}", said(&inspected));

    let unknown = edited.run(&["build", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("there is no function package nobody; there is farewell"));
}

#[test]
fn once_says_with_its_code_whether_it_serves() {
    let edited = Edited::new("passing");
    let folders = edited.folders();
    let mut once = vec!["--json", "dev", "--once"];
    once.extend(folders.iter().map(String::as_str));
    let good = edited.run(&once);
    assert!(good.status.success(), "{}", said(&good));
    let last = |output: &std::process::Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str::<Value>(text.lines().last().expect("a line")).expect("JSON")
    };
    assert_eq!(last(&good)["what"], "reloaded");
    let broken = edited.read("src/lib.rs").replace("Hello", "\"");
    edited.save("src/lib.rs", &broken);
    let bad = edited.run(&once);
    assert_eq!(bad.status.code(), Some(1), "{}", said(&bad));
    assert_eq!((&last(&bad)["what"], &last(&bad)["serving"]), (&json!("refused"), &json!(false)));
}

#[test]
fn a_folder_without_functions_is_told_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_system-bus"));
        command.args(arguments).current_dir(folder.path()).output().expect("it starts")
    };
    for (arguments, code, part) in [
        (&["dev"][..], 1, "make one with `system-bus new NAME`"),
        (&["dev", "nowhere"], 1, "there is no such folder to look for functions in"),
        (&["build"], 1, "make one with `system-bus new NAME`"),
        (&["new", "No"], 2, "lowercase letters"),
        (
            &["new", "good", "--sdk", "nowhere/sdk"],
            1,
            "neither a folder with the SDK nor a release",
        ),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(part), "{arguments:?}: {}", said(&output));
    }
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing was made");
}
