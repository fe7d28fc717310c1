//! Connect over HTTP: leave to dial, replies that found no socket, and who is connected.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use prost::Message;
use protocol::connect::frames::{FlushResponse, SdkResponse, StartRequest, StartResponse};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Shared;
use super::answer::Fault;
use crate::app::uuid_of;
use crate::driver::Stopped;
use crate::entropy::{Entropy, Random};
use crate::gateway::{Connection, GROUP, Readiness};

/// `POST /v0/connect/start`: where and with what to dial. There is one gateway, so none can be left out.
pub(super) async fn start(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    StartRequest::decode(body).map_err(|error| bad(&format!("could not decode body: {error}")))?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = shared.gateway.address();
    // The name under which the worker reaches us; both listen on the same machine.
    let host = host(text(header::HOST)).map_or_else(|| address.ip().to_string(), str::to_owned);
    let bearer = text(header::AUTHORIZATION).strip_prefix("Bearer ");
    let answer = StartResponse {
        connection_id: Random::new().ulid(Timestamp::now()).to_string(),
        gateway_endpoint: format!("ws://{host}:{}/v0/connect", address.port()),
        gateway_group: GROUP.to_owned(),
        session_token: shared.gateway.session_token(),
        sync_token: bearer.unwrap_or_default().to_owned(),
    };
    Ok(encoded(&answer))
}

/// The host of a `Host` header, without its port; brackets stay around an address of IPv6.
fn host(header: &str) -> Option<&str> {
    let end = match header.rfind(']') {
        Some(bracket) => bracket + 1,
        None => header.find(':').unwrap_or(header.len()),
    };
    Some(&header[..end]).filter(|host| !host.is_empty())
}

/// `POST /v0/connect/flush`: a reply that could not be sent, or was not acknowledged, over a socket.
pub(super) async fn flush(State(shared): State<Shared>, body: Bytes) -> Result<Response, Fault> {
    let response = SdkResponse::decode(body)
        .map_err(|error| bad(&format!("could not decode body: {error}")))?;
    if serde_json::from_slice::<Value>(&response.system_trace_ctx).is_err() {
        return Err(bad("could not unmarshal system trace ctx"));
    }
    let answer = FlushResponse { request_id: response.request_id.clone() };
    shared.gateway.flush(response).await.map_err(|_| Stopped)?;
    Ok(encoded(&answer))
}

fn bad(message: &str) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, message)
}

fn encoded(message: &impl Message) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], message.encode_to_vec()).into_response()
}

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    app_id: Option<String>,
}

/// `GET /v0/connect/envs/{env}/conns`: the open connections, of every environment.
pub(super) async fn connections(
    State(shared): State<Shared>,
    Query(filter): Query<Filter>,
) -> Json<Value> {
    let all = shared.gateway.connections(|connection| {
        let mut apps = connection.hello.apps.keys().map(|app| uuid_of(app));
        let wanted = filter.app_id.as_ref().is_none_or(|id| apps.any(|app| app == *id));
        wanted.then(|| shown(connection))
    });
    Json(json!({"data": all.into_iter().flatten().collect::<Vec<_>>()}))
}

/// A connection in the JSON of protobuf: what has its default value is left out.
fn shown(connection: &Connection) -> Value {
    let hello = &connection.hello;
    let groups: BTreeMap<&str, String> =
        hello.apps.iter().map(|(name, app)| (app.configuration.as_str(), uuid_of(name))).collect();
    let (language, version) = &hello.sdk;
    let mut json = Map::new();
    for (key, value) in [
        ("id", json!(hello.connection)),
        ("gateway_id", json!(GROUP)),
        ("instance_id", json!(hello.instance)),
        ("all_worker_groups", json!(groups)),
        ("synced_worker_groups", json!(groups)),
        ("last_heartbeat_at", json!(connection.heard)),
        ("sdk_language", json!(language)),
        ("sdk_version", json!(version)),
    ] {
        json.insert(key.to_owned(), value);
    }
    let status = match connection.readiness {
        Readiness::Connected => None,
        Readiness::Ready => Some(1),
        Readiness::Draining => Some(2),
    };
    json.extend(status.map(|status| ("status".to_owned(), json!(status))));
    json.extend(hello.system.as_ref().map(|system| {
        let attributes =
            json!({"cpu_cores": system.cpu_cores, "mem_bytes": system.mem_bytes, "os": system.os});
        ("attributes".to_owned(), attributes)
    }));
    Value::Object(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_taken_without_its_port() {
        for (header, expected) in [
            ("127.0.0.1:8288", Some("127.0.0.1")),
            ("localhost", Some("localhost")),
            ("[::1]:8288", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("", None),
            (":8288", None),
        ] {
            assert_eq!(host(header), expected, "{header}");
        }
    }
}
