//! What the worker learns from its server about runs that are not at their end.

use protocol::id::{AppId, FunctionId, RunId, StepId};
use protocol::signature::Trust;
use serde_json::json;
use worker::server_api::{ApiError, ServerApi};

use crate::bus::options;
use crate::server::Server;

const RUNS: [&str; 3] =
    ["01M81GXW71CEV7JQT6T4T8NAKZ", "01M81GXW71CEV7JQT6T4T8NAK1", "01M81GXW71CEV7JQT6T4T8NAK2"];

fn api(server: &Server) -> ServerApi {
    ServerApi::new(&options(Trust::Dev, server.address)).expect("a client")
}

fn names() -> (AppId, FunctionId) {
    ("bus".parse().expect("an id"), "check/health".parse().expect("an id"))
}

#[tokio::test]
async fn unfinished_runs_are_asked_for_page_by_page_up_to_a_cap() {
    let server = Server::start();
    server.memory().runs = RUNS.to_vec();
    let (api, (app, function)) = (api(&server), names());
    let expected: Vec<RunId> = RUNS.iter().map(|run| run.parse().expect("an id")).collect();
    for cap in 0..5 {
        let found = api.unfinished(&app, &function, cap).await.expect("runs");
        assert_eq!(found, expected[..cap.min(3)], "{cap}");
    }
    let asked = server.memory().runs_asked.clone();
    assert!(
        asked[0].starts_with("bus check/health status=RUNNING&status=QUEUED&limit=1"),
        "{asked:?}"
    );
    assert!(asked.iter().any(|one| one.contains(&format!("cursor={}", RUNS[1]))), "{asked:?}");
}

#[tokio::test]
async fn a_parked_run_is_a_call_with_its_memos_in_their_order() {
    let server = Server::start();
    let [a, b] = ["a", "b"].map(StepId::hash);
    {
        let mut memory = server.memory();
        memory.state.actions =
            json!({a.to_string(): {"data": 1}, b.to_string(): {"data": 2}}).to_string();
        memory.state.batch = r#"[{"name":"x/y","data":{}}]"#.to_owned();
        memory.trace = json!({"children": [
            {"stepId": a.to_string(), "endedAt": "2026-08-30T10:00:02Z"},
            {"stepId": b.to_string(), "endedAt": "2026-08-30T10:00:01Z"},
        ]});
    }
    let (api, (app, function)) = (api(&server), names());
    let run = RUNS[0].parse().expect("an id");
    let call = api.parked(&app, &function, run).await.expect("an answer").expect("it is parked");
    assert_eq!((call.route.slug.as_str(), call.route.target), ("bus-check/health", None));
    assert_eq!(call.event(), r#"{"name":"x/y","data":{}}"#);
    let rank = |id| call.memos.get(&id, protocol::memo::Shape::Wrapped).map(|(_, rank)| rank);
    assert!(rank(b) < rank(a), "{:?} {:?}", rank(a), rank(b));
    // Without a trace it is still a call.
    server.memory().trace = serde_json::Value::Null;
    assert!(api.parked(&app, &function, run).await.expect("an answer").is_some());
    // It has ended meanwhile.
    server.memory().state.status = 410;
    assert!(api.parked(&app, &function, run).await.expect("an answer").is_none());
    server.memory().state.status = 500;
    let error = api.parked(&app, &function, run).await.expect_err("it fails");
    assert!(matches!(error, ApiError::Refused { status: 500, .. }), "{error}");
}
