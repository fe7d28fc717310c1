//! A gateway that a test conducts by hand, with the two routes of the API that go with it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{SinkExt, StreamExt};
use prost::Message as _;
use protocol::connect::SUBPROTOCOL;
use protocol::connect::frames::{
    ConnectMessage, ConnectionReady, ExecutorRequest, FlushResponse, Kind, ReplyAck, SdkResponse,
    StartRequest, StartResponse, WorkerConnect,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{
    ErrorResponse, Request, Response as Upgrade,
};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::soon;

/// A start call, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) bearer: Option<String>,
    pub(crate) exclude: Vec<String>,
}

#[derive(Debug, Default)]
struct Memory {
    /// A bearer that is not taken.
    revoked: Option<String>,
    flush_broken: bool,
    gateway: String,
    /// The slugs of the app `other`.
    others: Vec<String>,
}

#[derive(Debug, Clone)]
struct Shared {
    memory: Arc<Mutex<Memory>>,
    starts: mpsc::UnboundedSender<Start>,
    flushed: mpsc::UnboundedSender<SdkResponse>,
}

/// The gateway: sockets, start calls and flushed replies come out of it in the order in which they arrived.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) api: SocketAddr,
    memory: Arc<Mutex<Memory>>,
    sockets: mpsc::UnboundedReceiver<Socket>,
    pub(crate) starts: mpsc::UnboundedReceiver<Start>,
    pub(crate) flushed: mpsc::UnboundedReceiver<SdkResponse>,
}

/// One worker's connection.
#[derive(Debug)]
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Gateway {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gateway = format!("ws://{}/v0/connect", listener.local_addr().expect("an address"));
        let (arrived, sockets) = mpsc::unbounded_channel();
        tokio::spawn(accept(listener, arrived));
        let (starts, started) = mpsc::unbounded_channel();
        let (flushed, was_flushed) = mpsc::unbounded_channel();
        let memory = Arc::new(Mutex::new(Memory { gateway, ..Memory::default() }));
        let shared = Shared { memory: Arc::clone(&memory), starts, flushed };
        let router = Router::new()
            .route("/v0/connect/start", post(start))
            .route("/v0/connect/flush", post(flush))
            .route("/v2/apps", get(apps))
            .route("/v1/apps/other/functions", get(others))
            .with_state(shared);
        let api = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = api.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(api, router).await });
        Self { api: address, memory, sockets, starts: started, flushed: was_flushed }
    }

    pub(crate) fn revoke(&self, bearer: String) {
        self.memory.lock().expect("no panic").revoked = Some(bearer);
    }

    /// From now on the app `other` has these functions, all with a trigger.
    pub(crate) fn give_to_another(&self, slugs: Vec<String>) {
        self.memory.lock().expect("no panic").others = slugs;
    }

    pub(crate) fn break_flush(&self, broken: bool) {
        self.memory.lock().expect("no panic").flush_broken = broken;
    }

    /// The next connection, before any frame.
    pub(crate) async fn socket(&mut self) -> Socket {
        soon("a connection", self.sockets.recv()).await.expect("the listener lives")
    }

    /// The next connection, ready, with these intervals for heartbeats and leases.
    pub(crate) async fn ready(&mut self, heartbeat: &str, lease: &str) -> Socket {
        let mut socket = self.socket().await;
        socket.hello().await;
        socket.say_ready(heartbeat, lease).await;
        socket
    }

    /// The next reply that is handed over by HTTP.
    pub(crate) async fn flushed(&mut self) -> SdkResponse {
        soon("a flushed reply", self.flushed.recv()).await.expect("the API lives")
    }

    pub(crate) fn sockets_waiting(&self) -> usize {
        self.sockets.len()
    }
}

impl Socket {
    /// Says hello, and hears who the worker is.
    pub(crate) async fn hello(&mut self) -> WorkerConnect {
        self.say(&ConnectMessage::empty(Kind::GatewayHello)).await;
        let frame = self.expect(Kind::WorkerConnect).await;
        WorkerConnect::decode(frame.payload).expect("a worker's introduction")
    }

    pub(crate) async fn say_ready(&mut self, heartbeat: &str, lease: &str) {
        let ready = ConnectionReady {
            heartbeat_interval: heartbeat.to_owned(),
            extend_lease_interval: lease.to_owned(),
            status_interval: "0s".to_owned(),
        };
        self.say(&ConnectMessage::around(Kind::GatewayConnectionReady, &ready)).await;
    }

    pub(crate) async fn say(&mut self, frame: &ConnectMessage) {
        self.0.send(Message::Binary(frame.encode_to_vec().into())).await.expect("sent");
    }

    /// The next frame; none when the worker closes, with the code and the reason it closed for.
    pub(crate) async fn next(&mut self) -> Result<ConnectMessage, (u16, String)> {
        loop {
            match soon("a frame", self.0.next()).await {
                Some(Ok(Message::Binary(bytes))) => {
                    return Ok(ConnectMessage::decode(bytes).expect("a frame"));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err((frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err((1006, String::new())),
            }
        }
    }

    /// The next frame but heartbeats and leases, which must be of this kind.
    pub(crate) async fn expect(&mut self, kind: Kind) -> ConnectMessage {
        loop {
            let frame = self.next().await.expect("an open connection");
            if frame.kind() == kind {
                return frame;
            }
            assert!(
                matches!(frame.kind(), Kind::WorkerHeartbeat | Kind::WorkerRequestExtendLease),
                "{:?} instead of {kind:?}",
                frame.kind()
            );
        }
    }

    /// The close, whatever comes before it.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Err(closed) = self.next().await {
                return closed;
            }
        }
    }

    /// Sends a request, and hears that it is taken.
    pub(crate) async fn request(&mut self, request: &ExecutorRequest) {
        self.say(&ConnectMessage::around(Kind::GatewayExecutorRequest, request)).await;
        let ack = self.expect(Kind::WorkerRequestAck).await;
        let ack = protocol::connect::frames::RequestAck::decode(ack.payload).expect("an ack");
        assert_eq!(ack.request_id, request.request_id);
        assert_eq!(ack.system_trace_ctx, request.system_trace_ctx);
    }

    /// The next reply, which is not acknowledged yet.
    pub(crate) async fn reply(&mut self) -> SdkResponse {
        let frame = self.expect(Kind::WorkerReply).await;
        SdkResponse::decode(frame.payload).expect("a reply")
    }

    pub(crate) async fn stored(&mut self, id: &str) {
        let ack = ReplyAck { request_id: id.to_owned() };
        self.say(&ConnectMessage::around(Kind::WorkerReplyAck, &ack)).await;
    }
}

/// A request to run the five steps, whose bodies report to a URL, with this one step as the target if there is one.
pub(crate) fn five(id: &str, target: Option<&str>, attempt: u32, count: &str) -> ExecutorRequest {
    let event = json!({"name": "testing/five.requested", "data": {"count": count}});
    let call = json!({
        "ctx": {
            "run_id": "01M81GXW71CEV7JQT6T4T8NAKZ", "attempt": attempt, "max_attempts": 3, "step_id": "step",
            "disable_immediate_execution": target.is_some(), "stack": {"current": 0, "stack": []},
        },
        "event": event, "events": [event], "steps": {}, "version": 2,
    });
    let step =
        target.map_or("step".to_owned(), |name| protocol::id::StepId::hash(name).to_string());
    ExecutorRequest {
        request_id: id.to_owned(),
        account_id: "account".to_owned(),
        env_id: "env".to_owned(),
        app_id: "app".to_owned(),
        app_name: crate::worker::APP.to_owned(),
        function_id: "function".to_owned(),
        function_slug: format!("{}-five", crate::worker::APP),
        step_id: Some(step),
        request_payload: call.to_string().into(),
        system_trace_ctx: Bytes::from_static(br#"{"traceparent":"00-1-2-01"}"#),
        user_trace_ctx: Bytes::from_static(br#"{"traceparent":"00-3-4-01"}"#),
        run_id: "01M81GXW71CEV7JQT6T4T8NAKZ".to_owned(),
        lease_id: "01M81GEH2NXAJFC1G2XF3K4RVH".to_owned(),
        job_id: "job".to_owned(),
    }
}

/// The op names of a reply.
pub(crate) fn ops(reply: &SdkResponse) -> Vec<String> {
    let ops: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let ops = ops.as_array().unwrap_or_else(|| panic!("no ops: {ops}"));
    ops.iter().map(|op| op["op"].as_str().expect("a name").to_owned()).collect()
}

async fn accept(listener: TcpListener, arrived: mpsc::UnboundedSender<Socket>) {
    while let Ok((stream, _)) = listener.accept().await {
        #[expect(clippy::result_large_err, reason = "the library's signature")]
        let choose = |request: &Request, mut answer: Upgrade| -> Result<Upgrade, ErrorResponse> {
            assert_eq!(request.headers()["sec-websocket-protocol"], SUBPROTOCOL);
            let chosen = HeaderValue::from_static(SUBPROTOCOL);
            answer.headers_mut().insert("sec-websocket-protocol", chosen);
            Ok(answer)
        };
        if let Ok(socket) = accept_hdr_async(stream, choose).await {
            // It fails when the test is over.
            drop(arrived.send(Socket(socket)));
        }
    }
}

async fn start(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let bearer = headers.get("authorization").map(|value| value.to_str().expect("text").to_owned());
    let request = StartRequest::decode(body).expect("a start request");
    let memory = shared.memory.lock().expect("no panic");
    let revoked = memory
        .revoked
        .as_ref()
        .is_some_and(|revoked| bearer.as_deref() == Some(&*format!("Bearer {revoked}")));
    let started = Start { bearer: bearer.clone(), exclude: request.exclude_gateways };
    drop(shared.starts.send(started));
    if revoked {
        return (StatusCode::UNAUTHORIZED, "Authentication failed").into_response();
    }
    let answer = StartResponse {
        connection_id: "01M81GASH0R910JDJB44E5C4J1".to_owned(),
        gateway_endpoint: memory.gateway.clone(),
        gateway_group: "group-1".to_owned(),
        session_token: "session".to_owned(),
        sync_token: bearer.unwrap_or_default(),
    };
    answer.encode_to_vec().into_response()
}

async fn flush(State(shared): State<Shared>, body: Bytes) -> Response {
    if shared.memory.lock().expect("no panic").flush_broken {
        return (StatusCode::SERVICE_UNAVAILABLE, "not now").into_response();
    }
    let response = SdkResponse::decode(body).expect("a reply");
    let answer = FlushResponse { request_id: response.request_id.clone() };
    drop(shared.flushed.send(response));
    answer.encode_to_vec().into_response()
}

async fn apps() -> Json<Value> {
    Json(json!({"data": [{"id": "other", "functionCount": 1}], "page": {"hasMore": false}}))
}

async fn others(State(shared): State<Shared>) -> Json<Value> {
    let memory = shared.memory.lock().expect("no panic");
    let held = |slug: &String| json!({"id": slug, "config": {"triggers": [{"event": "x/y"}]}});
    Json(memory.others.iter().map(held).collect())
}
