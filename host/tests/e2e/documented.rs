//! `docs/openapi.json` against a worker: each of its paths is there, none is missing, and what is answered is what the
//! document says, with no member beside it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Server, free_address, turn};

fn document() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(file).expect("the document")).expect("JSON")
}

/// What is wrong with an answer, by the document.
fn faults(document: &Value, path: &str, method: &str, status: u16, answer: &Value) -> Vec<String> {
    let content = &document["paths"][path][method]["responses"][status.to_string()]["content"];
    let schema = &content["application/json"]["schema"];
    if schema.is_null() {
        return vec![format!(
            "{method} {path} answers {status}, which is not documented: {answer}"
        )];
    }
    // References are within the document.
    let whole = json!({"components": document["components"], "allOf": [schema]});
    let validator = jsonschema::validator_for(&whole).expect("a schema");
    let all = validator.iter_errors(answer);
    all.map(|fault| format!("{method} {path} {status}: {fault} at {}", fault.instance_path()))
        .collect()
}

/// Asks; what is wrong with the answer, and the answer.
async fn ask(
    worker: std::net::SocketAddr,
    request: (&str, &str, &str),
    body: &'static str,
) -> (u16, Value, Vec<String>) {
    let (method, path, query) = request;
    let url = format!("http://{worker}{path}{query}");
    let verb = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
    let answer =
        reqwest::Client::new().request(verb, url).body(body).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("text");
    let answer = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {path}: {text}"));
    let faults = faults(&document(), path, method, status, &answer);
    (status, answer, faults)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_what_is_documented() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let (worker, _components) = crate::worker(&server).await;
    let event = server.send("testing/slept.requested", &json!({})).await;
    server.ended(&event).await;
    let run = "?run=01JZZZZZZZZZZZZZZZZZZZZZZZ";
    let later = "{\"to\": 99}";
    for (request, body, status) in [
        (("get", "/", ""), "", 200),
        (("get", "/livez", ""), "", 200),
        (("get", "/readyz", ""), "", 200),
        (("get", "/api/diagnostics", ""), "", 200),
        (("get", "/api/calls", ""), "", 200),
        (("get", "/api/functions", ""), "", 200),
        (("get", "/api/generations", ""), "", 200),
        (("get", "/api/grants", ""), "", 200),
        (("get", "/api/logs", run), "", 200),
        (("get", "/api/logs", "?run=x"), "", 400),
        (("put", "/api/reload", "?dry_run"), "", 200),
        (("put", "/api/reload", "?percent=0"), "", 400),
        (("post", "/api/plan", ""), "", 200),
        (("post", "/api/plan", "?runs=x"), "", 400),
        (("post", "/api/rollback", ""), later, 404),
        (("post", "/api/rollback", ""), "[]", 400),
        (("post", "/api/retire", ""), "", 202),
    ] {
        let (answered, answer, faults) = ask(worker.address, request, body).await;
        assert_eq!((answered, &faults[..]), (status, &[][..]), "{request:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_ready_says_so_as_documented() {
    let nobody = free_address();
    let components = crate::folder_of(&[guests::STEPS]);
    let (folder, versions) =
        (components.path().to_string_lossy(), components.path().join("versions"));
    let (server, versions) = (format!("http://{nobody}"), versions.to_string_lossy());
    let words = [
        "worker",
        "--role",
        "cluster",
        "--listen",
        "127.0.0.1:0",
        "--components",
        &folder,
        "--versions",
        &versions,
    ];
    let worker = crate::Process::start(&words, &[("INNGEST_DEV", &server)]);
    let (status, answer, faults) = ask(worker.address, ("get", "/readyz", ""), "").await;
    assert_eq!((status, &answer["ready"], &faults[..]), (503, &json!(false), &[][..]), "{answer}");
    let (_, answer, faults) = ask(worker.address, ("get", "/", ""), "").await;
    assert_eq!((&answer["status"], &faults[..]), (&json!("degraded"), &[][..]), "{answer}");
}

#[test]
fn each_route_is_documented_and_the_check_can_fail() {
    let document = document();
    let mut documented: Vec<_> =
        document["paths"].as_object().expect("paths").keys().cloned().collect();
    let mut served: Vec<_> = worker::paths().into_iter().map(str::to_owned).collect();
    served.extend(["/", "/livez", "/readyz", "/metrics"].map(str::to_owned));
    documented.sort_unstable();
    served.sort_unstable();
    assert_eq!(documented, served);
    let calls = json!({"generation": 1, "count": 0, "calls": []});
    assert_eq!(faults(&document, "/api/calls", "get", 200, &calls), [""; 0]);
    for wrong in [
        json!({"generation": 1, "count": 0}),
        json!({"generation": "1", "count": 0, "calls": []}),
        json!({"generation": 1, "count": 0, "calls": [], "more": 1}),
    ] {
        assert!(!faults(&document, "/api/calls", "get", 200, &wrong).is_empty(), "{wrong}");
    }
}
