//! A collector of OpenTelemetry, as the protocol says that one answers.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What came: spans at the collector, and the headers that steps' requests had.
#[derive(Debug, Clone, Default)]
pub(crate) struct Came {
    pub(crate) spans: Vec<Span>,
    /// Whose they are, for each export.
    pub(crate) services: Vec<String>,
    pub(crate) requests: Vec<HeaderMap>,
}

/// A collector, which takes what OTLP says it takes, and a place where steps report to.
pub(crate) async fn collector() -> (SocketAddr, watch::Receiver<Came>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (came, seen) = watch::channel(Came::default());
    let router = Router::new()
        .route("/v1/traces", post(collect))
        .fallback(async |State(came): State<watch::Sender<Came>>, headers: HeaderMap| {
            came.send_modify(|came| came.requests.push(headers));
        })
        .with_state(came);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

async fn collect(
    State(came): State<watch::Sender<Came>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], Vec<u8>) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).expect("an export");
    for resource in request.resource_spans {
        let attributes = resource.resource.expect("a resource").attributes;
        let name = attributes.into_iter().find(|it| it.key == "service.name").expect("a name");
        let name = format!("{:?}", name.value.expect("a value").value);
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        came.send_modify(|came| {
            came.services.push(name);
            came.spans.extend(spans);
        });
    }
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    (StatusCode::OK, [("content-type", "application/x-protobuf")], answer)
}

/// An attribute of a span, whatever its type, as text.
pub(crate) fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        AnyValue::StringValue(text) => text.clone(),
        AnyValue::IntValue(number) => number.to_string(),
        AnyValue::DoubleValue(number) => number.to_string(),
        other => panic!("{key} is {other:?}"),
    })
}

/// How a request says that it is beneath this span.
pub(crate) fn traceparent(span: &Span) -> String {
    let trace = u128::from_be_bytes(span.trace_id[..].try_into().expect("16 bytes"));
    let id = u64::from_be_bytes(span.span_id[..].try_into().expect("8 bytes"));
    format!("00-{trace:032x}-{id:016x}-01")
}
