//! The trace that the server's call belongs to: in our log, and in what steps request.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::bus::Bus;
use crate::call::CallTo;
use crate::secrets::{self, PRIMARY};
use crate::server::Server;

/// Where steps report to; it tells which headers they came with.
async fn reports() -> (String, mpsc::UnboundedReceiver<HeaderMap>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, seen) = mpsc::unbounded_channel();
    let router = Router::new()
        .fallback(
            async |State(seen): State<mpsc::UnboundedSender<HeaderMap>>, headers: HeaderMap| {
                seen.send(headers).expect("the test goes on");
            },
        )
        .with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

#[tokio::test]
async fn a_trace_goes_on_in_the_requests_of_steps() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let (count, mut seen) = reports().await;
    let id = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{id}-b7ad6b7169203331-01");
    let call = CallTo { data: json!({ "count": count }), ..CallTo::new("five") };
    for (given, state, expected) in [
        (Some(parent.as_str()), Some("vendor=1"), Some(parent.as_str())),
        (Some("nonsense"), Some("vendor=1"), None),
        (None, None, None),
    ] {
        let mut request = call.request();
        for (name, value) in [("traceparent", given), ("tracestate", state)] {
            if let Some(value) = value {
                request = request.with(name, value);
            }
        }
        assert_eq!(bus.send(request.signed(PRIMARY)).await.op()["data"], 1);
        let headers = seen.recv().await.expect("the step's request");
        let text = |name: &str| headers.get(name).map(|value| value.to_str().expect("text"));
        assert_eq!(text("traceparent"), expected);
        assert_eq!(text("tracestate"), expected.and(state));
    }
    bus.end().await;
}

#[tokio::test]
async fn what_is_logged_during_a_call_names_run_function_and_trace() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let id = "1af7651916cd43dd8448eb211c80319d";
    let parent = format!("00-{id}-b7ad6b7169203331-01");
    let call = CallTo { data: json!({ "what": "panic" }), ..CallTo::new("breaks") };
    let request = call.request().with("traceparent", &parent).signed(PRIMARY);
    assert_eq!(bus.send(request).await.status, 500);
    let logged = secrets::logged();
    let line = logged
        .lines()
        .find(|line| line.contains(id) && line.contains("a call failed"))
        .expect("a line of this trace");
    assert!(line.contains("function=\"bus-breaks\"") && line.contains(crate::call::RUN), "{line}");
    bus.end().await;
}
