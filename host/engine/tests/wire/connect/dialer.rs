//! A worker that dials in, frame by frame.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use prost::Message as _;
use protocol::connect::frames::{
    AppConfiguration, AuthData, ConnectMessage, ConnectionReady, ExecutorRequest, ExtendLease,
    ExtendLeaseAck, Kind, ReplyAck, RequestAck, SdkResponse, StartResponse, Status, WorkerConnect,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::PATIENCE;
use crate::client::Client;

/// Posts bytes; the status and the body of the answer.
pub async fn post(client: &Client, path: &str, headers: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut socket = TcpStream::connect(client.address).await.expect("the engine listens");
    let bearer = client.bearer.as_ref().map(|token| format!("authorization: Bearer {token}\r\n"));
    let head = format!(
        "POST {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n{}{headers}\r\n",
        body.len(),
        bearer.unwrap_or_default()
    );
    socket.write_all(head.as_bytes()).await.expect("sent");
    socket.write_all(body).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an HTTP answer");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, answer.split_off(end + 4))
}

/// Asks for leave to dial.
pub async fn start(client: &Client) -> StartResponse {
    let host = format!("host: {}\r\n", client.address);
    let (status, body) = post(client, "/v0/connect/start", &host, &[]).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    StartResponse::decode(&*body).expect("a start response")
}

/// What a worker says first: one instance with the app `app` and these functions.
pub fn hello(start: &StartResponse, functions: &[Value]) -> WorkerConnect {
    WorkerConnect {
        connection_id: start.connection_id.clone(),
        instance_id: "one".to_owned(),
        auth_data: Some(AuthData {
            session_token: start.session_token.clone(),
            sync_token: start.sync_token.clone(),
        }),
        capabilities: br#"{"connect":"v1"}"#.to_vec(),
        apps: vec![AppConfiguration {
            app_name: "app".to_owned(),
            app_version: None,
            functions: serde_json::to_vec(functions).expect("JSON"),
        }],
        sdk_language: "test".to_owned(),
        sdk_version: "v1".to_owned(),
        ..WorkerConnect::default()
    }
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Closed {
    With(u16, String),
    /// Without a close frame.
    Torn,
}

/// A connection to the gateway.
pub struct Dialer {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Calls that came while something else was waited for.
    early: VecDeque<ExecutorRequest>,
}

impl Dialer {
    /// Dials, and nothing more.
    pub async fn dial(start: &StartResponse) -> Self {
        let mut request = start.gateway_endpoint.as_str().into_client_request().expect("a URL");
        let subprotocol = "v0.connect.inngest.com".parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        let (socket, response) = connect_async(request).await.expect("a gateway");
        let agreed = response.headers().get("sec-websocket-protocol").expect("a subprotocol");
        assert_eq!(agreed, "v0.connect.inngest.com");
        Self { socket, early: VecDeque::new() }
    }

    /// Dials, waits for the hello and sends this.
    pub async fn greet(start: &StartResponse, frame: &ConnectMessage) -> Self {
        let mut dialer = Self::dial(start).await;
        assert_eq!(dialer.frame().await.0, Kind::GatewayHello);
        dialer.send(frame.clone()).await;
        dialer
    }

    /// Connects with these functions, after `change`.
    pub async fn connect(
        client: &Client,
        functions: &[Value],
        change: impl FnOnce(&mut WorkerConnect),
    ) -> Self {
        Self::connect_with(client, functions, change).await.0
    }

    /// The same, with what the gateway said of its times.
    pub async fn connect_with(
        client: &Client,
        functions: &[Value],
        change: impl FnOnce(&mut WorkerConnect),
    ) -> (Self, ConnectionReady) {
        let start = start(client).await;
        let mut hello = hello(&start, functions);
        change(&mut hello);
        let frame = ConnectMessage::around(Kind::WorkerConnect, &hello);
        let mut dialer = Self::greet(&start, &frame).await;
        let (kind, payload) = dialer.frame().await;
        assert_eq!(kind, Kind::GatewayConnectionReady);
        (dialer, ConnectionReady::decode(payload).expect("intervals"))
    }

    pub async fn send(&mut self, frame: ConnectMessage) {
        self.socket.send(Message::Binary(frame.encode_to_vec().into())).await.expect("sent");
    }

    pub async fn say(&mut self, kind: Kind) {
        self.send(ConnectMessage::empty(kind)).await;
    }

    /// The next frame.
    pub async fn frame(&mut self) -> (Kind, Bytes) {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("in time");
        match next {
            Some(Ok(Message::Binary(bytes))) => {
                let frame = ConnectMessage::decode(bytes).expect("a frame");
                (Kind::try_from(frame.kind).expect("a kind"), frame.payload)
            }
            other => panic!("no frame but {other:?}"),
        }
    }

    /// The next frame but for calls, which is of this kind.
    pub async fn expect(&mut self, kind: Kind) -> Bytes {
        loop {
            match self.frame().await {
                (found, payload) if found == kind => return payload,
                (Kind::GatewayExecutorRequest, payload) => {
                    self.early.push_back(ExecutorRequest::decode(payload).expect("a request"));
                }
                (other, _) => panic!("{other:?} instead of {kind:?}"),
            }
        }
    }

    /// The next call.
    pub async fn request(&mut self) -> ExecutorRequest {
        if let Some(request) = self.early.pop_front() {
            return request;
        }
        let payload = self.expect(Kind::GatewayExecutorRequest).await;
        ExecutorRequest::decode(payload).expect("a request")
    }

    /// The next call, which is acknowledged.
    pub async fn taken(&mut self) -> ExecutorRequest {
        let request = self.request().await;
        self.acknowledge(&request).await;
        request
    }

    /// That nothing comes for a while.
    pub async fn silence(&mut self, pause: Duration) {
        assert!(self.early.is_empty(), "calls came: {:?}", self.early);
        let next = tokio::time::timeout(pause, self.socket.next()).await;
        assert!(next.is_err(), "something came: {next:?}");
    }

    pub async fn acknowledge(&mut self, request: &ExecutorRequest) {
        let ack = RequestAck { request_id: request.request_id.clone(), ..RequestAck::default() };
        self.send(ConnectMessage::around(Kind::WorkerRequestAck, &ack)).await;
    }

    /// Replies, and waits until that is acknowledged.
    pub async fn reply(&mut self, request: &ExecutorRequest, status: Status, body: &Value) {
        self.respond(response(request, status, body)).await;
    }

    pub async fn respond(&mut self, response: SdkResponse) {
        self.send(ConnectMessage::around(Kind::WorkerReply, &response)).await;
        let payload = self.expect(Kind::WorkerReplyAck).await;
        let ack = ReplyAck::decode(payload).expect("an acknowledgement");
        assert_eq!(ack.request_id, response.request_id);
    }

    /// Extends a lease; the new one.
    pub async fn extend(&mut self, request: &ExecutorRequest, lease: &str) -> Option<String> {
        let ask = ExtendLease {
            request_id: request.request_id.clone(),
            lease_id: lease.to_owned(),
            ..ExtendLease::default()
        };
        self.send(ConnectMessage::around(Kind::WorkerRequestExtendLease, &ask)).await;
        let payload = self.expect(Kind::WorkerRequestExtendLeaseAck).await;
        let ack = ExtendLeaseAck::decode(payload).expect("an acknowledgement");
        assert_eq!(ack.request_id, request.request_id);
        ack.new_lease_id
    }

    /// How the gateway ends the connection; frames before that are passed over.
    pub async fn closed(&mut self) -> Closed {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("in time");
            match next {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Closed::With(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) => panic!("a close frame without a code"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Closed::Torn,
            }
        }
    }
}

/// The body of a call.
pub fn payload(request: &ExecutorRequest) -> Value {
    serde_json::from_slice(&request.request_payload).expect("JSON")
}

/// A reply to a request.
pub fn response(request: &ExecutorRequest, status: Status, body: &Value) -> SdkResponse {
    SdkResponse {
        request_id: request.request_id.clone(),
        status: status.into(),
        body: body.to_string().into(),
        request_version: 2,
        system_trace_ctx: request.system_trace_ctx.clone(),
        ..SdkResponse::default()
    }
}
