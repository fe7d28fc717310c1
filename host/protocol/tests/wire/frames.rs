//! Every frame of Connect, to the byte: `connect/*.json` hold what a frame says beside its bytes, which were written by
//! another encoder, from the definitions alone. A changed byte on the wire is a changed line there.

use std::fmt::Debug;

use bytes::Bytes;
use prost::Message;
use protocol::connect::frames::{
    AppConfiguration, AuthData, ConnectMessage, ConnectionReady, ExecutorRequest, ExtendLease,
    ExtendLeaseAck, Kind, ReplyAck, RequestAck, SdkResponse, SystemAttributes, SystemError,
    Timestamp, WorkerConnect, WorkerStatus,
};
use serde::Deserialize;
use serde_json::Value;

/// One frame.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    #[serde(rename = "about")]
    _about: String,
    sender: String,
    kind: String,
    message: Members,
    /// Hexadecimal digits, in lines.
    #[serde(rename = "frame")]
    digits: Vec<String>,
}

/// The members of a message. What is not asked for stays unread, and [`frames_are_what_their_files_say`] sees to it
/// that nothing does: the bytes would differ.
#[derive(Deserialize)]
struct Members(serde_json::Map<String, Value>);

impl Members {
    fn text(&self, name: &str) -> String {
        self.maybe(name).unwrap_or_default()
    }

    fn maybe(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.as_str().expect(name).to_owned())
    }

    fn bytes(&self, name: &str) -> Bytes {
        self.text(name).into()
    }

    fn number(&self, name: &str) -> i64 {
        self.0.get(name).map_or(0, |value| value.as_i64().expect(name))
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.as_bool().expect(name))
    }

    fn inner(&self, name: &str) -> Self {
        Self(self.0[name].as_object().expect(name).clone())
    }

    fn list(&self, name: &str) -> &[Value] {
        self.0[name].as_array().expect(name)
    }
}

fn worker_connect(m: &Members) -> WorkerConnect {
    let (auth, machine, started) =
        (m.inner("auth_data"), m.inner("system_attributes"), m.inner("started_at"));
    let apps = m.list("apps").iter().map(|app| {
        let app = Members(app.as_object().expect("an app").clone());
        AppConfiguration {
            app_name: app.text("app_name"),
            app_version: app.maybe("app_version"),
            functions: app.text("functions").into_bytes(),
        }
    });
    WorkerConnect {
        connection_id: m.text("connection_id"),
        instance_id: m.text("instance_id"),
        auth_data: Some(AuthData {
            session_token: auth.text("session_token"),
            sync_token: auth.text("sync_token"),
        }),
        capabilities: m.text("capabilities").into_bytes(),
        apps: apps.collect(),
        worker_manual_readiness_ack: m.flag("worker_manual_readiness_ack"),
        system_attributes: Some(SystemAttributes {
            cpu_cores: small(machine.number("cpu_cores")),
            mem_bytes: machine.number("mem_bytes"),
            os: machine.text("os"),
        }),
        environment: m.maybe("environment"),
        framework: m.text("framework"),
        platform: m.maybe("platform"),
        sdk_version: m.text("sdk_version"),
        sdk_language: m.text("sdk_language"),
        started_at: Some(Timestamp {
            seconds: started.number("seconds"),
            nanos: small(started.number("nanos")),
        }),
        max_worker_concurrency: Some(m.number("max_worker_concurrency")),
    }
}

fn executor_request(m: &Members) -> ExecutorRequest {
    ExecutorRequest {
        request_id: m.text("request_id"),
        account_id: m.text("account_id"),
        env_id: m.text("env_id"),
        app_id: m.text("app_id"),
        app_name: m.text("app_name"),
        function_id: m.text("function_id"),
        function_slug: m.text("function_slug"),
        step_id: m.maybe("step_id"),
        request_payload: m.bytes("request_payload"),
        system_trace_ctx: m.bytes("system_trace_ctx"),
        user_trace_ctx: m.bytes("user_trace_ctx"),
        run_id: m.text("run_id"),
        lease_id: m.text("lease_id"),
        job_id: m.text("job_id"),
    }
}

fn request_ack(m: &Members) -> RequestAck {
    RequestAck {
        request_id: m.text("request_id"),
        account_id: m.text("account_id"),
        env_id: m.text("env_id"),
        app_id: m.text("app_id"),
        function_slug: m.text("function_slug"),
        step_id: m.maybe("step_id"),
        system_trace_ctx: m.bytes("system_trace_ctx"),
        user_trace_ctx: m.bytes("user_trace_ctx"),
        run_id: m.text("run_id"),
    }
}

fn extend_lease(m: &Members) -> ExtendLease {
    ExtendLease {
        request_id: m.text("request_id"),
        account_id: m.text("account_id"),
        env_id: m.text("env_id"),
        app_id: m.text("app_id"),
        function_slug: m.text("function_slug"),
        step_id: m.maybe("step_id"),
        system_trace_ctx: m.bytes("system_trace_ctx"),
        user_trace_ctx: m.bytes("user_trace_ctx"),
        run_id: m.text("run_id"),
        lease_id: m.text("lease_id"),
    }
}

fn extend_lease_ack(m: &Members) -> ExtendLeaseAck {
    ExtendLeaseAck {
        request_id: m.text("request_id"),
        account_id: m.text("account_id"),
        env_id: m.text("env_id"),
        app_id: m.text("app_id"),
        function_slug: m.text("function_slug"),
        new_lease_id: m.maybe("new_lease_id"),
    }
}

fn sdk_response(m: &Members) -> SdkResponse {
    SdkResponse {
        request_id: m.text("request_id"),
        account_id: m.text("account_id"),
        env_id: m.text("env_id"),
        app_id: m.text("app_id"),
        status: small(m.number("status")),
        body: m.bytes("body"),
        no_retry: m.flag("no_retry"),
        retry_after: m.maybe("retry_after"),
        sdk_version: m.text("sdk_version"),
        request_version: u32::try_from(m.number("request_version")).expect("a version"),
        system_trace_ctx: m.bytes("system_trace_ctx"),
        user_trace_ctx: m.bytes("user_trace_ctx"),
        run_id: m.text("run_id"),
    }
}

fn small(number: i64) -> i32 {
    i32::try_from(number).expect("a small number")
}

/// The frame around a message, after reading it back from the recorded bytes.
fn around<M: Message + Default + PartialEq + Debug>(
    kind: Kind,
    message: &M,
    recorded: &ConnectMessage,
) -> ConnectMessage {
    assert_eq!(M::decode(recorded.payload.clone()).as_ref(), Ok(message), "{kind:?}");
    ConnectMessage::around(kind, message)
}

/// What a frame's file says, encoded.
fn encoded(kind: Kind, m: &Members, recorded: &ConnectMessage) -> ConnectMessage {
    match kind {
        Kind::WorkerConnect => around(kind, &worker_connect(m), recorded),
        Kind::GatewayConnectionReady => {
            let ready = ConnectionReady {
                heartbeat_interval: m.text("heartbeat_interval"),
                extend_lease_interval: m.text("extend_lease_interval"),
                status_interval: m.text("status_interval"),
            };
            around(kind, &ready, recorded)
        }
        Kind::GatewayExecutorRequest => around(kind, &executor_request(m), recorded),
        Kind::WorkerRequestAck => around(kind, &request_ack(m), recorded),
        Kind::WorkerReply => around(kind, &sdk_response(m), recorded),
        Kind::WorkerReplyAck => {
            around(kind, &ReplyAck { request_id: m.text("request_id") }, recorded)
        }
        Kind::WorkerRequestExtendLease => around(kind, &extend_lease(m), recorded),
        Kind::WorkerRequestExtendLeaseAck => around(kind, &extend_lease_ack(m), recorded),
        Kind::SyncFailed => {
            let error =
                SystemError { code: m.text("code"), data: None, message: m.text("message") };
            around(kind, &error, recorded)
        }
        Kind::WorkerStatus => {
            let ids = m.list("in_flight_request_ids").iter();
            let status = WorkerStatus {
                in_flight_request_ids: ids.map(|id| id.as_str().expect("an id").into()).collect(),
                shutdown_requested: m.flag("shutdown_requested"),
            };
            around(kind, &status, recorded)
        }
        Kind::GatewayHello
        | Kind::WorkerReady
        | Kind::WorkerPause
        | Kind::WorkerHeartbeat
        | Kind::GatewayHeartbeat
        | Kind::GatewayClosing => ConnectMessage::empty(kind),
    }
}

/// The kind that the definitions call by this name.
fn kind_of(name: &str) -> Kind {
    (0..=15)
        .map(|number| Kind::try_from(number).expect("a kind"))
        .find(|kind| {
            let words = format!("{kind:?}");
            words.eq_ignore_ascii_case(&name.replace('_', ""))
        })
        .unwrap_or_else(|| panic!("no kind is called {name}"))
}

#[test]
fn frames_are_what_their_files_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/connect");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let file: Frame = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let bytes = hex::decode(file.digits.concat()).expect("hexadecimal digits");
        let recorded = ConnectMessage::decode(&*bytes).expect("a frame");
        let kind = kind_of(&file.kind);
        assert_eq!(recorded.kind(), kind, "{}", path.display());
        let ours = encoded(kind, &file.message, &recorded).encode_to_vec();
        assert_eq!(hex::encode(ours), file.digits.concat(), "{}", path.display());
        seen.push((kind, file.sender));
    }
    // Acknowledgements of replies and of leases come from the gateway, whatever their names say.
    for (kind, sender) in &seen {
        let from_gateway = matches!(
            kind,
            Kind::GatewayHello
                | Kind::GatewayConnectionReady
                | Kind::GatewayExecutorRequest
                | Kind::GatewayHeartbeat
                | Kind::GatewayClosing
                | Kind::WorkerReplyAck
                | Kind::WorkerRequestExtendLeaseAck
                | Kind::SyncFailed
        );
        assert_eq!(sender == "gateway", from_gateway, "{kind:?}");
    }
    for number in 0..=15 {
        let kind = Kind::try_from(number).expect("a kind");
        assert!(seen.iter().any(|(one, _)| *one == kind), "no file shows {kind:?}");
    }
}
