//! Planning a deployment: what becomes of unfinished runs, and that nothing is changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use protocol::crypt::Vault;
use protocol::id::StepId;
use protocol::signature::Trust;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use worker::Options;

use crate::bus::{Bus, deployed, options, runtime};
use crate::call::CallTo;
use crate::deployed::Deployed;
use crate::server::Server;

const RUNS: [&str; 3] =
    ["01M81GXW71CEV7JQT6T4T8NAKZ", "01M81GXW71CEV7JQT6T4T8NAK1", "01M81GXW71CEV7JQT6T4T8NAK2"];

/// A worker with this guest, and a server that has so many unfinished runs of each function, after these steps.
async fn bus(server: &Server, guest: &str, runs: usize, steps: &[&str]) -> Bus {
    let bus = Bus::with(options(Trust::Dev, server.address), deployed(&[guest]).await).await;
    let bus = bus.registered().await;
    leave(server, runs, steps);
    bus
}

fn leave(server: &Server, runs: usize, steps: &[&str]) {
    let mut memory = server.memory();
    memory.runs = RUNS[..runs].to_vec();
    memory.state.batch = json!([{"name": "testing/versioned.requested", "data": {}}]).to_string();
    let id = |step: &str| StepId::hash(step).to_string();
    let memos = steps.iter().map(|step| (id(step), json!({"data": format!("1.{step}")})));
    memory.state.actions = Value::Object(memos.collect()).to_string();
    let spans = steps.iter().enumerate().map(
        |(at, step)| json!({"stepId": id(step), "endedAt": format!("2026-08-30T10:00:0{at}Z")}),
    );
    memory.trace = json!({"children": spans.collect::<Vec<_>>()});
}

/// Asks for a plan; the status and the answer.
async fn asked(bus: &Bus, query: &str, component: Option<Vec<u8>>) -> (u16, Value) {
    let url = format!("http://{}/api/plan?{query}", bus.running.address());
    let mut request = bus.client.post(url);
    if let Some(bytes) = component {
        request = request.header(CONTENT_TYPE, "application/wasm").body(bytes);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// The plan for a guest in the place of a component, which must change nothing.
async fn offered(bus: &Bus, name: &str, bytes: Vec<u8>) -> Value {
    let before = kept(&bus.deployed.versions());
    let (status, plan) = asked(bus, &format!("name={name}"), Some(bytes)).await;
    assert_eq!(status, 200, "{plan}");
    assert_eq!(kept(&bus.deployed.versions()), before, "a plan changes nothing");
    assert_eq!(bus.deployed.registry.present().number(), plan["generation"], "{plan}");
    plan
}

fn read(guest: &str) -> Vec<u8> {
    std::fs::read(guest).expect("a built guest")
}

/// Where these bytes are.
fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|part| part == wanted).expect("it says so")
}

/// The files of a folder, with their bytes.
fn kept(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            let within = kept(&entry.path()).into_iter();
            files.extend(within.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            files.insert(name, std::fs::read(entry.path()).expect("a file"));
        }
    }
    files
}

fn function<'p>(plan: &'p Value, id: &str) -> &'p Value {
    let functions = plan["functions"].as_array().expect("functions");
    let found = functions.iter().find(|function| function["function"] == id);
    found.unwrap_or_else(|| panic!("no function {id} in {plan}"))
}

#[tokio::test]
async fn runs_move_to_code_that_fits_and_stay_where_it_does_not() {
    let server = Server::start();
    let bus = bus(&server, guests::VERSIONED, 3, &["one", "two"]).await;
    let active = bus.deployed.registry.present().components()["versioned"].digest().to_string();
    for (guest, verdict) in [
        (guests::VERSIONED_RENAMED, Some("orphaned")),
        (guests::VERSIONED_REMOVED, Some("orphaned")),
        (guests::VERSIONED_INSERTED, Some("orphaned")),
        (guests::VERSIONED_RETYPED, Some("type-changed")),
        (guests::VERSIONED_ALIAS, None),
        (guests::VERSIONED_APPENDED, None),
    ] {
        let plan = offered(&bus, "versioned", read(guest)).await;
        assert_eq!((&plan["ok"], &plan["hurts"]), (&json!(true), &json!(false)), "{guest}: {plan}");
        let moving = &function(&plan, "versioned")["runs"];
        assert_eq!(moving["looked_at"], 3, "{guest}: {plan}");
        match verdict {
            None => assert_eq!(moving["moves"], 3, "{guest}: {plan}"),
            Some(verdict) => {
                assert_eq!(moving["stays"], json!({verdict: 3}), "{guest}: {plan}");
                assert_eq!(moving["stays_with"], json!({&active: 3}), "{guest}: {plan}");
            }
        }
        let staying = &function(&plan, "versioned-pinned")["runs"];
        assert_eq!(staying["stays"], json!({"pinned": 3}), "{guest}: {plan}");
    }
    let plan = offered(&bus, "versioned", read(guests::VERSIONED_RENAMED)).await;
    let says = function(&plan, "versioned")["says"].to_string();
    assert!(says.contains(r#".alias(\"two\") behind it would let 3 runs move"#), "{says}");
    // What a run waits for is not among what it has done, and counts all the same.
    leave(&server, 3, &["one", "two", "nap"]);
    let woken = offered(&bus, "versioned", read(guests::VERSIONED_INSERTED)).await;
    assert_eq!(function(&woken, "versioned")["runs"]["stays"], json!({"orphaned": 3}), "{woken}");
    // Nobody waits before the first step has run: whichever code is there then begins it.
    leave(&server, 3, &["one"]);
    let begun = offered(&bus, "versioned", read(guests::VERSIONED_RENAMED)).await;
    assert_eq!(function(&begun, "versioned")["runs"]["moves"], 3, "{begun}");
    // No body ran, nothing was sent or stored.
    let memory = server.memory();
    assert!(memory.checkpoints.is_empty() && memory.events.is_empty());
}

#[tokio::test]
async fn code_that_would_be_gone_or_elsewhere_hurts_while_there_are_runs() {
    let server = Server::start();
    // The guest as it was before one of its functions asked for a host.
    let (pin, none) = (&br#""role":"host""#[..], &br#""name":"host""#[..]);
    let pinned = read(guests::TWO_HOMES);
    let mut free = pinned.clone();
    let at = find(&free, pin);
    free[at..at + pin.len()].copy_from_slice(none);
    let bus = bus(&server, guests::VERSIONED, 1, &[]).await;
    bus.deployed.place_as("two-homes", &free);
    bus.deployed.reload().await;

    for (runs, hurts) in [(1, true), (0, false)] {
        leave(&server, runs, &[]);
        let plan = offered(&bus, "two-homes", pinned.clone()).await;
        assert_eq!(plan["hurts"], hurts, "{plan}");
        let moved = function(&plan, "asks-for-a-host");
        assert_eq!((&moved["fate"], &moved["to"]), (&json!("moved"), &json!("host")), "{plan}");
        assert_eq!(moved["hurts"], hurts, "{plan}");
        assert_eq!(function(&plan, "anywhere")["hurts"], false, "{plan}");

        bus.deployed.remove("two-homes");
        let (status, plan) = asked(&bus, "", None).await;
        assert_eq!((status, &plan["hurts"]), (200, &json!(hurts)), "{plan}");
        let gone = function(&plan, "anywhere");
        assert_eq!((&gone["fate"], &gone["hurts"]), (&json!("removed"), &json!(hurts)), "{plan}");
        bus.deployed.place_as("two-homes", &free);
    }
    // What is refused would not be deployed as it was meant.
    let plan = offered(&bus, "two-homes", b"no component".to_vec()).await;
    assert_eq!((&plan["hurts"], &plan["functions"]), (&json!(true), &json!([])), "{plan}");
}

#[tokio::test]
async fn code_that_does_not_fit_hurts_runs_that_follow_the_latest() {
    // The mode is that of the code which the runs began with. It takes no steps, so a run that has one behind it does not
    // fit.
    for (mode, hurts) in [("latest", true), ("latest-compatible", false)] {
        let server = Server::start();
        let deployed = Deployed::empty(runtime().await, |_| {});
        deployed.place_as("two-homes", &anywhere(mode, "a/b"));
        deployed.reload().await;
        let bus = Bus::with(options(Trust::Dev, server.address), deployed).await;
        let bus = bus.registered().await;
        leave(&server, 2, &["one"]);
        let plan = offered(&bus, "two-homes", anywhere("latest-compatible", "a/c")).await;
        let function = function(&plan, "anywhere");
        assert_eq!(function["hurts"], hurts, "{plan}");
        let (breaks, stays) = (&function["runs"]["breaks"], &function["runs"]["stays"]);
        let (some, none) = (json!({"orphaned": 2}), json!({}));
        let expected = if hurts { (&some, &none) } else { (&none, &some) };
        assert_eq!((breaks, stays), expected, "{plan}");
        assert!(function["changes"].to_string().contains("triggers"), "{plan}");
    }
}

/// A component with the function `anywhere` in this mode, for this event.
fn anywhere(mode: &str, event: &str) -> Vec<u8> {
    let mut bytes = read(guests::TWO_HOMES);
    let manifest = format!(
        r#"{{"functions":[{{"id":"anywhere","mode":"{mode}","triggers":[{{"event":"{event}"}}]}}]}}"#
    );
    let from = find(&bytes, br#"{"sdk":"by-hand/1""#);
    let to = find(&bytes, br#""role":"host"}]}"#) + br#""role":"host"}]}"#.len();
    bytes[from..to].fill(b' ');
    bytes[from..from + manifest.len()].copy_from_slice(manifest.as_bytes());
    bytes
}

#[tokio::test]
async fn what_the_server_does_not_tell_is_said() {
    let server = Server::start();
    let bus = bus(&server, guests::VERSIONED, 3, &["one", "two"]).await;
    let alias = read(guests::VERSIONED_ALIAS);
    let (_, plan) = asked(&bus, "name=versioned&runs=1", Some(alias.clone())).await;
    let runs = &function(&plan, "versioned")["runs"];
    assert_eq!((&runs["looked_at"], &runs["more"]), (&json!(1), &json!(true)), "{plan}");

    // Two cannot be read, and are not taken to fit.
    server.memory().state.status = 500;
    let plan = offered(&bus, "versioned", alias.clone()).await;
    assert_eq!((&plan["ok"], &plan["hurts"]), (&json!(false), &json!(false)), "{plan}");
    assert_eq!(function(&plan, "versioned")["runs"]["unreadable"], 3, "{plan}");

    // They have ended meanwhile.
    server.memory().state.status = 410;
    let plan = offered(&bus, "versioned", alias.clone()).await;
    assert_eq!(plan["ok"], true, "{plan}");
    assert_eq!(function(&plan, "versioned")["runs"]["gone"], 3, "{plan}");

    // Nobody is there to be asked.
    let _nobody = server.stop().await;
    let plan = offered(&bus, "versioned", alias).await;
    assert_eq!((&plan["ok"], &plan["hurts"]), (&json!(false), &json!(false)), "{plan}");
    assert!(function(&plan, "versioned")["says"].to_string().contains("are not known"), "{plan}");
}

#[tokio::test]
async fn encrypted_results_are_read_with_the_key_and_not_without() {
    let key = "1111111111111111111111111111111111111111111111111111111111111111";
    let server = Server::start();
    let vault = Some(Arc::new(Vault::parse(key, None).expect("a key")));
    let sealing = Options { vault, ..options(Trust::Dev, server.address) };
    let sealing = Bus::with(sealing, deployed(&[guests::VERSIONED]).await).await.registered().await;
    let op = sealing.call(&CallTo::new("versioned")).await.op();
    let one = StepId::hash("one").to_string();
    assert!(op["id"] == one && op["data"].is_object(), "it is sealed: {op}");
    leave(&server, 1, &["one"]);
    server.memory().state.actions = json!({one.as_str(): {"data": op["data"]}}).to_string();
    let alias = read(guests::VERSIONED_ALIAS);
    let plan = offered(&sealing, "versioned", alias.clone()).await;
    assert_eq!(function(&plan, "versioned")["runs"]["moves"], 1, "{plan}");

    let keyless = bus(&server, guests::VERSIONED, 1, &[]).await;
    server.memory().state.actions = json!({one.as_str(): {"data": op["data"]}}).to_string();
    let plan = offered(&keyless, "versioned", alias).await;
    assert_eq!(function(&plan, "versioned")["runs"]["unreadable"], 1, "{plan}");
}

#[tokio::test]
async fn questions_without_sense_are_refused() {
    let server = Server::start();
    let bus = bus(&server, guests::VERSIONED, 0, &[]).await;
    let some = || Some(b"\0asm".to_vec());
    for (query, body, status, says) in [
        ("runs=10001", None, 400, "10000"),
        ("runs=many", None, 400, "runs"),
        ("dry_run=1", None, 400, "dry_run"),
        ("name=a", None, 400, "the body is empty"),
        ("", some(), 400, "without a name"),
        ("name=a/b", some(), 400, "the stem of its file"),
        ("name=.a", some(), 400, "the stem of its file"),
        ("name=a", Some(vec![0; (128 << 20) + 1]), 413, "128 MiB"),
    ] {
        let (answered, refusal) = asked(&bus, query, body).await;
        assert_eq!(answered, status, "{query}: {refusal}");
        assert!(refusal["message"].to_string().contains(says), "{query}: {refusal}");
    }
}
