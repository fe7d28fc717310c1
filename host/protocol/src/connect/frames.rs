//! The protobuf messages of package `connect.v1`, field by field.
//!
//! Every WebSocket message is binary and holds one [`ConnectMessage`], whose payload is another message, encoded, or
//! empty.

use prost::{Enumeration, Message};

/// What a [`ConnectMessage`] is. "Worker →" and "gateway →" name the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Kind {
    /// Gateway →, empty: the worker has five seconds for its [`Kind::WorkerConnect`].
    GatewayHello = 0,
    /// Worker →, [`WorkerConnect`].
    WorkerConnect = 1,
    /// Gateway →, [`ConnectionReady`].
    GatewayConnectionReady = 2,
    /// Gateway →, [`ExecutorRequest`].
    GatewayExecutorRequest = 3,
    /// Worker →, empty.
    WorkerReady = 4,
    /// Worker →, [`RequestAck`].
    WorkerRequestAck = 5,
    /// Worker →, [`SdkResponse`].
    WorkerReply = 6,
    /// Gateway →, [`ReplyAck`].
    WorkerReplyAck = 7,
    /// Worker →, empty: no further requests over this connection, for the rest of its life.
    WorkerPause = 8,
    /// Worker →, empty.
    WorkerHeartbeat = 9,
    /// Gateway →, empty.
    GatewayHeartbeat = 10,
    /// Gateway →, empty: it will close; connect elsewhere.
    GatewayClosing = 11,
    /// Worker →, [`ExtendLease`].
    WorkerRequestExtendLease = 12,
    /// Gateway →, [`ExtendLeaseAck`].
    WorkerRequestExtendLeaseAck = 13,
    /// Gateway →, [`SystemError`]: the functions were refused.
    SyncFailed = 14,
    /// Worker →, [`WorkerStatus`].
    WorkerStatus = 15,
}

/// The frame around everything else.
#[derive(Clone, PartialEq, Message)]
pub struct ConnectMessage {
    /// What the payload is; see [`Kind`].
    #[prost(enumeration = "Kind", tag = "1")]
    pub kind: i32,
    /// The message, encoded.
    #[prost(bytes = "bytes", tag = "2")]
    pub payload: bytes::Bytes,
}

impl ConnectMessage {
    /// A frame without a payload.
    pub fn empty(kind: Kind) -> Self {
        Self { kind: kind.into(), payload: bytes::Bytes::new() }
    }

    /// A frame around a message.
    ///
    /// ```
    /// use prost::Message;
    /// use protocol::connect::frames::{ConnectMessage, Kind, ReplyAck};
    ///
    /// let ack = ReplyAck { request_id: "r".to_owned() };
    /// let frame = ConnectMessage::around(Kind::WorkerReplyAck, &ack).encode_to_vec();
    /// let read = ConnectMessage::decode(&*frame).unwrap();
    /// assert_eq!(ReplyAck::decode(read.payload).unwrap(), ack);
    /// ```
    pub fn around(kind: Kind, message: &impl Message) -> Self {
        Self { kind: kind.into(), payload: message.encode_to_vec().into() }
    }
}

/// Body of `POST /v0/connect/start`.
#[derive(Clone, PartialEq, Message)]
pub struct StartRequest {
    /// Gateway groups to avoid.
    #[prost(string, repeated, tag = "1")]
    pub exclude_gateways: Vec<String>,
}

/// Its answer.
#[derive(Clone, PartialEq, Message)]
pub struct StartResponse {
    /// A ULID for the connection.
    #[prost(string, tag = "1")]
    pub connection_id: String,
    /// The WebSocket URL to dial.
    #[prost(string, tag = "2")]
    pub gateway_endpoint: String,
    /// The gateway's group, for [`StartRequest::exclude_gateways`].
    #[prost(string, tag = "3")]
    pub gateway_group: String,
    /// Proves the connection to the gateway; good for five minutes.
    #[prost(string, tag = "4")]
    pub session_token: String,
    /// What the gateway registers the functions with: the bearer token, echoed.
    #[prost(string, tag = "5")]
    pub sync_token: String,
}

/// Both tokens of a [`StartResponse`].
#[derive(Clone, PartialEq, Message)]
pub struct AuthData {
    /// From [`StartResponse::session_token`].
    #[prost(string, tag = "1")]
    pub session_token: String,
    /// From [`StartResponse::sync_token`].
    #[prost(string, tag = "2")]
    pub sync_token: String,
}

/// The machine of the worker.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SystemAttributes {
    /// Cores.
    #[prost(int32, tag = "1")]
    pub cpu_cores: i32,
    /// Memory, in bytes.
    #[prost(int64, tag = "2")]
    pub mem_bytes: i64,
    /// Operating system.
    #[prost(string, tag = "3")]
    pub os: String,
}

/// One app of a connection.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct AppConfiguration {
    /// The app's id.
    #[prost(string, tag = "1")]
    pub app_name: String,
    /// Its version as the server shows it.
    #[prost(string, optional, tag = "2")]
    pub app_version: Option<String>,
    /// A JSON array of function objects, whose URLs have the scheme `ws` and name the function in `fnId`.
    #[prost(bytes = "vec", tag = "4")]
    pub functions: Vec<u8>,
}

/// What the worker says after the hello.
#[derive(Clone, PartialEq, Message)]
pub struct WorkerConnect {
    /// From [`StartResponse::connection_id`].
    #[prost(string, tag = "1")]
    pub connection_id: String,
    /// The same for all connections of one process and for no other process: capacity is counted by it.
    #[prost(string, tag = "2")]
    pub instance_id: String,
    /// The tokens.
    #[prost(message, optional, tag = "3")]
    pub auth_data: Option<AuthData>,
    /// A JSON object such as `{"connect":"v1"}`.
    #[prost(bytes = "vec", tag = "4")]
    pub capabilities: Vec<u8>,
    /// One to ten apps.
    #[prost(message, repeated, tag = "5")]
    pub apps: Vec<AppConfiguration>,
    /// Whether the gateway waits for a [`Kind::WorkerReady`] before it sends requests.
    #[prost(bool, tag = "6")]
    pub worker_manual_readiness_ack: bool,
    /// The machine.
    #[prost(message, optional, tag = "7")]
    pub system_attributes: Option<SystemAttributes>,
    /// Branch environment.
    #[prost(string, optional, tag = "8")]
    pub environment: Option<String>,
    /// Informational.
    #[prost(string, tag = "9")]
    pub framework: String,
    /// Informational.
    #[prost(string, optional, tag = "10")]
    pub platform: Option<String>,
    /// The SDK's version, without its language.
    #[prost(string, tag = "11")]
    pub sdk_version: String,
    /// The SDK's language.
    #[prost(string, tag = "12")]
    pub sdk_language: String,
    /// When the worker started.
    #[prost(message, optional, tag = "13")]
    pub started_at: Option<Timestamp>,
    /// How many requests it takes at once; absent means no limit.
    #[prost(int64, optional, tag = "14")]
    pub max_worker_concurrency: Option<i64>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds within the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// The connection is usable; intervals are durations as Go writes them (`"1m30s"`).
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ConnectionReady {
    /// How often to send [`Kind::WorkerHeartbeat`].
    #[prost(string, tag = "1")]
    pub heartbeat_interval: String,
    /// How often to extend the lease of each running request.
    #[prost(string, tag = "2")]
    pub extend_lease_interval: String,
    /// How often to send [`WorkerStatus`]; zero means never.
    #[prost(string, tag = "3")]
    pub status_interval: String,
}

/// A call.
#[derive(Clone, PartialEq, Message)]
pub struct ExecutorRequest {
    /// Its id, which everything about it repeats.
    #[prost(string, tag = "1")]
    pub request_id: String,
    /// The account.
    #[prost(string, tag = "2")]
    pub account_id: String,
    /// The environment.
    #[prost(string, tag = "3")]
    pub env_id: String,
    /// The app's UUID.
    #[prost(string, tag = "4")]
    pub app_id: String,
    /// The app's name.
    #[prost(string, tag = "5")]
    pub app_name: String,
    /// The function's UUID.
    #[prost(string, tag = "6")]
    pub function_id: String,
    /// The function's slug.
    #[prost(string, tag = "7")]
    pub function_slug: String,
    /// The targeted step; `step` or absent in a discovery call.
    #[prost(string, optional, tag = "8")]
    pub step_id: Option<String>,
    /// The body that a call over HTTP would have.
    #[prost(bytes = "bytes", tag = "9")]
    pub request_payload: bytes::Bytes,
    /// Trace context of the server, JSON; to be echoed to the byte.
    #[prost(bytes = "bytes", tag = "10")]
    pub system_trace_ctx: bytes::Bytes,
    /// Trace context for user code, JSON; to be echoed too.
    #[prost(bytes = "bytes", tag = "11")]
    pub user_trace_ctx: bytes::Bytes,
    /// The run.
    #[prost(string, tag = "12")]
    pub run_id: String,
    /// The lease, a ULID; extended while the request runs.
    #[prost(string, tag = "13")]
    pub lease_id: String,
    /// The queue item.
    #[prost(string, tag = "14")]
    pub job_id: String,
}

/// The worker has taken a request.
#[derive(Clone, PartialEq, Message)]
pub struct RequestAck {
    /// See [`ExecutorRequest`] for all members.
    #[prost(string, tag = "1")]
    pub request_id: String,
    /// The account.
    #[prost(string, tag = "2")]
    pub account_id: String,
    /// The environment.
    #[prost(string, tag = "3")]
    pub env_id: String,
    /// The app's UUID.
    #[prost(string, tag = "4")]
    pub app_id: String,
    /// The function's slug.
    #[prost(string, tag = "5")]
    pub function_slug: String,
    /// The targeted step.
    #[prost(string, optional, tag = "6")]
    pub step_id: Option<String>,
    /// Echoed.
    #[prost(bytes = "bytes", tag = "7")]
    pub system_trace_ctx: bytes::Bytes,
    /// Echoed.
    #[prost(bytes = "bytes", tag = "8")]
    pub user_trace_ctx: bytes::Bytes,
    /// The run.
    #[prost(string, tag = "9")]
    pub run_id: String,
}

/// The worker still runs a request.
#[derive(Clone, PartialEq, Message)]
pub struct ExtendLease {
    /// See [`ExecutorRequest`] for all members.
    #[prost(string, tag = "1")]
    pub request_id: String,
    /// The account.
    #[prost(string, tag = "2")]
    pub account_id: String,
    /// The environment.
    #[prost(string, tag = "3")]
    pub env_id: String,
    /// The app's UUID.
    #[prost(string, tag = "4")]
    pub app_id: String,
    /// The function's slug.
    #[prost(string, tag = "5")]
    pub function_slug: String,
    /// The targeted step.
    #[prost(string, optional, tag = "6")]
    pub step_id: Option<String>,
    /// Echoed.
    #[prost(bytes = "bytes", tag = "7")]
    pub system_trace_ctx: bytes::Bytes,
    /// Echoed.
    #[prost(bytes = "bytes", tag = "8")]
    pub user_trace_ctx: bytes::Bytes,
    /// The run.
    #[prost(string, tag = "9")]
    pub run_id: String,
    /// The latest lease.
    #[prost(string, tag = "10")]
    pub lease_id: String,
}

/// The answer to [`ExtendLease`].
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExtendLeaseAck {
    /// The request.
    #[prost(string, tag = "1")]
    pub request_id: String,
    /// The account.
    #[prost(string, tag = "2")]
    pub account_id: String,
    /// The environment.
    #[prost(string, tag = "3")]
    pub env_id: String,
    /// The app's UUID.
    #[prost(string, tag = "4")]
    pub app_id: String,
    /// The function's slug.
    #[prost(string, tag = "5")]
    pub function_slug: String,
    /// The lease from now on; absent when the request is no longer ours.
    #[prost(string, optional, tag = "6")]
    pub new_lease_id: Option<String>,
}

/// What kind of answer an [`SdkResponse`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Status {
    /// Ops: HTTP 206.
    NotCompleted = 0,
    /// A result: HTTP 200.
    Done = 1,
    /// A failure: HTTP 4xx and 5xx.
    Error = 2,
}

/// The reply to a request; also the body of `POST /v0/connect/flush`.
#[derive(Clone, PartialEq, Message)]
pub struct SdkResponse {
    /// The request.
    #[prost(string, tag = "1")]
    pub request_id: String,
    /// The account.
    #[prost(string, tag = "2")]
    pub account_id: String,
    /// The environment.
    #[prost(string, tag = "3")]
    pub env_id: String,
    /// The app's UUID.
    #[prost(string, tag = "4")]
    pub app_id: String,
    /// What kind of answer; see [`Status`].
    #[prost(enumeration = "Status", tag = "5")]
    pub status: i32,
    /// JSON.
    #[prost(bytes = "bytes", tag = "6")]
    pub body: bytes::Bytes,
    /// Whether a failure is final.
    #[prost(bool, tag = "7")]
    pub no_retry: bool,
    /// When to try again: whole seconds, or a date of RFC 3339.
    #[prost(string, optional, tag = "8")]
    pub retry_after: Option<String>,
    /// Language and version of the SDK, such as `rust:v0.1.0`.
    #[prost(string, tag = "9")]
    pub sdk_version: String,
    /// The execution version; 0 would switch the run to an older one.
    #[prost(uint32, tag = "10")]
    pub request_version: u32,
    /// Echoed to the byte: `/flush` refuses anything else.
    #[prost(bytes = "bytes", tag = "11")]
    pub system_trace_ctx: bytes::Bytes,
    /// Echoed.
    #[prost(bytes = "bytes", tag = "12")]
    pub user_trace_ctx: bytes::Bytes,
    /// The run.
    #[prost(string, tag = "13")]
    pub run_id: String,
}

/// The gateway has stored a reply.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ReplyAck {
    /// The request.
    #[prost(string, tag = "1")]
    pub request_id: String,
}

/// The answer of `POST /v0/connect/flush`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FlushResponse {
    /// The request.
    #[prost(string, tag = "1")]
    pub request_id: String,
}

/// What the worker is doing.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WorkerStatus {
    /// The requests that run.
    #[prost(string, repeated, tag = "1")]
    pub in_flight_request_ids: Vec<String>,
    /// Whether it is about to leave.
    #[prost(bool, tag = "2")]
    pub shutdown_requested: bool,
}

/// Why the functions were refused.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SystemError {
    /// Often empty.
    #[prost(string, tag = "1")]
    pub code: String,
    /// Often absent.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub data: Option<Vec<u8>>,
    /// What the server says.
    #[prost(string, tag = "3")]
    pub message: String,
}
