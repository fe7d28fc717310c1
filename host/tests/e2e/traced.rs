//! The spans of a run, as a collector of OpenTelemetry gets them: one trace, in which the server's time, the host's and the
//! guest's are apart.

use axum::http::HeaderMap;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use serde_json::json;

use crate::collector::{Came, attribute, collector, traceparent};
use crate::{Server, eventually, folder_of, free_address, turn};

fn number(span: &Span, key: &str) -> f64 {
    let text = attribute(span, key).unwrap_or_else(|| panic!("{key} in {span:?}"));
    text.parse().unwrap_or_else(|_| panic!("{key} is {text}"))
}

/// How long a span took, or lay between two moments, in milliseconds.
fn millis(from: u64, to: u64) -> f64 {
    std::time::Duration::from_nanos(to.saturating_sub(from)).as_secs_f64() * 1000.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_of_a_run_has_the_servers_time_the_hosts_and_the_guests_apart() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let (address, seen) = collector().await;
    let url = format!("http://{address}");
    let components = folder_of(&[guests::STEPS]);
    let worker = server.worker_with(&components, free_address(), &["--otlp", &url]).await;
    let asked = json!({"count": url, "failures": 1});
    let ended = server.ended(&server.send("testing/retried.requested", &asked).await).await;
    let run = ended.run.clone();
    assert_eq!(ended.result(), json!(1));

    // A stop sends what is left, so nothing waits for a batch to be due.
    let mut worker = worker;
    worker.ask_to_stop();
    assert!(worker.ended().await.success());
    let all = |came: &Came| came.spans.iter().filter(|it| it.name == "step").count() == 2;
    let came = eventually("the spans have come", async || {
        let came = seen.borrow().clone();
        all(&came).then_some(came)
    })
    .await;

    assert!(came.services.iter().all(|name| name.contains("system-bus-worker")), "{came:?}");
    let mut calls: Vec<_> = came.spans.iter().filter(|span| span.name == "call").collect();
    calls.retain(|span| attribute(span, "run").as_deref() == Some(&run));
    calls.sort_by_key(|span| span.start_time_unix_nano);
    assert!(calls.len() >= 2, "{came:?}");
    for call in &calls {
        assert_eq!(call.trace_id, calls[0].trace_id, "a run is one trace: {came:?}");
        // Beneath the server's own span, which is not among ours.
        assert_eq!(call.parent_span_id.len(), 8, "{call:?}");
        assert!(came.spans.iter().all(|span| span.span_id != call.parent_span_id), "{call:?}");
        assert!(attribute(call, "function").is_some_and(|it| it.ends_with("retried")), "{call:?}");
    }
    let (first, second) = (calls[0], calls[1]);
    assert_eq!(attribute(first, "outcome").as_deref(), Some("step-failed"));
    assert_eq!(first.status.as_ref().map(|it| it.code), Some(SpanStatus::Error as i32));
    assert_eq!(second.status.as_ref().map_or(0, |it| it.code), SpanStatus::Unset as i32);

    // The server's time. It waited for a second, as the step had asked it to.
    let gap = number(second, "server_gap_ms");
    assert!(gap >= 900.0, "{gap}");
    assert!(gap >= millis(first.end_time_unix_nano, second.start_time_unix_nano) - 5.0, "{gap}");
    assert!(number(first, "server_gap_ms") >= 0.0);

    // The guest's, within the host's.
    let steps: Vec<_> = came.spans.iter().filter(|span| span.name == "step").collect();
    for (step, (call, outcome)) in steps.iter().zip([(first, "failed"), (second, "ran")]) {
        let named = |span: &&Span| span.name == "invocation" && span.span_id == step.parent_span_id;
        let invocation = came.spans.iter().find(named).expect("a step is within an invocation");
        assert_eq!(invocation.parent_span_id, call.span_id, "{came:?}");
        assert_eq!(step.trace_id, call.trace_id);
        assert_eq!(attribute(step, "called").as_deref(), Some("flaky"));
        assert_eq!(attribute(step, "outcome").as_deref(), Some(outcome));
        let within = |inner: &Span, outer: &Span| {
            inner.start_time_unix_nano >= outer.start_time_unix_nano
                && inner.end_time_unix_nano <= outer.end_time_unix_nano
        };
        assert!(within(step, invocation) && within(invocation, call), "{came:?}");
        let took = millis(invocation.start_time_unix_nano, invocation.end_time_unix_nano);
        let guest = number(invocation, "guest_ms");
        // Two clocks: they part by little.
        assert!(guest > 0.0 && guest <= took + 5.0, "{guest} of {took}");
        assert!(attribute(invocation, "digest").is_some(), "{invocation:?}");

        // What the step asked of others is beneath it.
        let parent = traceparent(step);
        let told = |headers: &HeaderMap| headers.get("traceparent").is_some_and(|it| *it == parent);
        assert!(came.requests.iter().any(told), "{parent}: {:?}", came.requests);
    }
    assert_eq!(steps.len(), 2, "{came:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_is_told_of_and_holds_nothing_up() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let components = folder_of(&[guests::STEPS]);
    let away = format!("http://{}", free_address());
    let mut worker = server.worker_with(&components, free_address(), &["--otlp", &away]).await;
    let event = server.send("testing/five.requested", &json!({})).await;
    assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));
    worker.ask_to_stop();
    assert!(worker.ended().await.success());
}
