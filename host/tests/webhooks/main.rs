//! Webhooks through the whole program: from a delivery to the run that it starts, and what operators see of it.

#[path = "../support/collector.rs"]
#[allow(dead_code, reason = "the end-to-end tests ask for more")]
mod collector;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
#[allow(dead_code, reason = "the drills ask for more")]
mod process;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "the drills ask for more")]
mod server;
#[path = "../support/webhooks.rs"]
mod webhooks;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use self::patience::eventually;
use self::process::{Process, folder_of};
use self::server::Server;
use self::webhooks::{SECRET, post};

/// Runs a command against a gateway; with `json` its standard output is one object.
fn command(address: SocketAddr, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_system-bus"))
        .args(arguments)
        .env("SYSTEM_BUS_WORKER", format!("http://{address}"))
        .output()
        .expect("it runs")
}

fn json_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {output:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_to_a_worker_starts_a_run() {
    let server = Server::start(None).expect("a server of any mode");
    let components = folder_of(&[guests::STEPS]);
    let worker = webhooks::worker(&server, &components).await;

    // The event keeps its name, so whatever sends it starts what listens to it; the answer names no event of the server's,
    // so a mark in the data tells the run.
    let mark = jiff::Timestamp::now().as_nanosecond().to_string();
    let (status, said) =
        post(worker.address, &json!({"name": "testing/five.requested", "data": {"mark": mark}}))
            .await;
    assert_eq!((status, &said["ok"]), (200, &json!(true)), "{said}");
    let listed = command(worker.address, &["--json", "webhooks", "list"]);
    assert!(listed.status.success(), "{listed:?}");
    let listed = json_of(&listed);
    let providers = listed["result"]["providers"].as_array().expect("providers").clone();
    let own =
        |name: &str| providers.iter().find(|own| own["name"] == json!(name)).expect("it").clone();
    assert_eq!((&own("joelclaw")["ready"], &own("github")["ready"]), (&json!(true), &json!(false)));
    eventually("the server has the event", async || {
        let state = json_of(&command(worker.address, &["--json", "webhooks", "list"]));
        let providers = state["result"]["providers"].as_array()?.clone();
        let own = providers.iter().find(|own| own["name"] == json!("joelclaw"))?;
        (own["counted"]["forwarded"] == json!(1)).then_some(())
    })
    .await;
    if server::other_server().is_none() {
        let event = event_with(&server, &mark).await;
        assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));
    }
    // The worker's own routes are as they were.
    assert_eq!(server.health(worker.address).await["registered"], json!(true));
}

/// The server's id of the event with a mark. Only our engine lists events by their names.
async fn event_with(server: &Server, mark: &str) -> String {
    let answer =
        reqwest::get(format!("{}/v1/events?name=testing/five.requested", server.origin())).await;
    let text = match answer {
        Ok(answer) if answer.status().is_success() => answer.text().await.expect("text"),
        _ => {
            let key = protocol::signature::SigningKey::parse(
                "signkey-test-0123456789abcdef0123456789abcdef",
            );
            let url = format!("{}/v1/events?name=testing/five.requested", server.origin());
            let request = reqwest::Client::new().get(url).bearer_auth(key.expect("a key").bearer());
            request.send().await.expect("an answer").text().await.expect("text")
        }
    };
    let events: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    let events = events["data"].as_array().unwrap_or_else(|| panic!("no events: {text}"));
    let own =
        events.iter().find(|event| event["data"]["mark"] == json!(mark)).expect("it is there");
    own["internal_id"].as_str().expect("an id").to_owned()
}

fn alone(server: &str, folder: &Path, further: &[&str]) -> Process {
    let spool = folder.join("spool");
    let spool = spool.to_string_lossy();
    let arguments =
        [&["gateway", "--listen", "127.0.0.1:0", "--spool", &spool][..], further].concat();
    let environment = [("INNGEST_DEV", server), ("JOELCLAW_WEBHOOK_SECRET", SECRET)];
    Process::start(&arguments, &environment)
}

/// A server that refuses all events, as a real one refuses what breaks a rule of its own.
async fn refusing() -> String {
    // Fails when another test was first, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let answer =
        json!({"ids": [], "status": 400, "error": "event 0: this plan has no such events"});
    let refuse = move || async move { (axum::http::StatusCode::BAD_REQUEST, axum::Json(answer)) };
    let router = axum::Router::new().route("/e/{key}", axum::routing::post(refuse));
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_refuses_is_a_dead_letter_that_an_operator_sends_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = alone(&refusing().await, folder.path(), &[]);
    let none = command(gateway.address, &["webhooks", "dead"]);
    assert!(
        String::from_utf8_lossy(&none.stdout).contains("there are no dead letters"),
        "{none:?}"
    );
    let (status, said) = post(gateway.address, &json!({"name": "a/b", "data": {}})).await;
    assert_eq!(status, 200, "{said}");
    let letter = eventually("there is a dead letter", async || {
        let dead = json_of(&command(gateway.address, &["--json", "webhooks", "dead"]));
        dead["result"]["letters"][0]["letter"].as_str().map(str::to_owned)
    })
    .await;
    let shown = command(gateway.address, &["webhooks", "dead"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains(&letter) && shown.contains("no such events"), "{shown}");
    let again = command(gateway.address, &["--json", "webhooks", "replay", "all"]);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(json_of(&again)["result"][0]["letter"], json!(letter));
    let gone = command(gateway.address, &["--json", "webhooks", "replay", "1-1"]);
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    assert_eq!(json_of(&gone)["ok"], json!(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_a_span_and_its_event_goes_on_beneath_it() {
    let folder = tempfile::tempdir().expect("a folder");
    // What is no collection of spans is the server's, which never takes the event: this is about how it is asked.
    let (address, seen) = collector::collector().await;
    let url = format!("http://{address}");
    let mut gateway = alone(&url, folder.path(), &["--otlp", &url]);
    let (status, said) = post(gateway.address, &json!({"name": "a/b", "data": {}})).await;
    assert_eq!(status, 200, "{said}");
    eventually("the server is asked", async || {
        let asked = |headers: &axum::http::HeaderMap| headers.contains_key("traceparent");
        seen.borrow().requests.iter().any(asked).then_some(())
    })
    .await;
    gateway.ask_to_stop();
    assert!(gateway.ended().await.success());
    let came = seen.borrow().clone();
    let span = came.spans.iter().find(|span| span.name == "delivery").expect("a span");
    let attribute = |key| collector::attribute(span, key);
    assert_eq!(attribute("provider").as_deref(), Some("joelclaw"));
    assert_eq!(attribute("verdict").as_deref(), Some("accepted"));
    assert!(came.services.iter().all(|name| name.contains("system-bus-gateway")), "{came:?}");
    let parent = collector::traceparent(span);
    let told = |headers: &axum::http::HeaderMap| {
        headers.get("traceparent").is_none_or(|told| *told == parent)
    };
    assert!(came.requests.iter().all(told), "{parent}: {:?}", came.requests);
}

#[test]
fn what_is_wrong_is_told_before_anything_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |further: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
        command
            .args(["gateway", "--listen", "127.0.0.1:0", "--spool"])
            .arg(folder.path().join("spool"));
        command.args(further).env_remove("INNGEST_DEV").envs(environment.iter().copied());
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&[], &[]);
    assert!(code == Some(1) && said.contains("INNGEST_EVENT_KEY is not set"), "{code:?} {said}");
    for name in ["one", "two"] {
        std::fs::write(folder.path().join(format!("{name}.toml")), "[[events]]\n")
            .expect("written");
    }
    let providers = folder.path().to_string_lossy();
    let (code, said) = run(&["--providers", &providers], &[("INNGEST_DEV", "1")]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("provider one:") && said.contains("provider two:"), "{said}");
}
