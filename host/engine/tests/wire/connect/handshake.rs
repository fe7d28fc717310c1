//! Leave to dial, the handshake, and every way to fail it.

use std::time::Duration;

use engine::{Engine, GatewayOptions, Options};
use futures::SinkExt;
use prost::Message as _;
use protocol::connect::frames::{
    ConnectMessage, ExtendLease, Kind, StartResponse, SystemError, WorkerConnect,
};
use protocol::signature::SigningKey;
use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::dialer::{Closed, Dialer, hello, post, start};
use super::{connected, engine, function};
use crate::client::Client;
use crate::options;

#[tokio::test]
async fn leave_to_dial_is_given_to_whoever_knows_the_key() {
    let key = SigningKey::parse("signkey-test-abcd").expect("a key");
    let guarded = Options { signing_key: Some(key.clone()), ..options() };
    let engine = Engine::start(guarded).await.expect("an engine");
    let mut client = Client::of(&engine);
    for (bearer, good) in [
        (Some("abcd".to_owned()), true),
        (Some("signkey-test-abcd".to_owned()), true),
        (Some(key.hash()), true),
        (Some(key.bearer()), true),
        (None, false),
        (Some("dcba".to_owned()), false),
    ] {
        client.bearer = bearer.clone();
        let host = "host: localhost:1\r\n";
        let (status, body) = post(&client, "/v0/connect/start", host, &[]).await;
        if !good {
            assert_eq!((status, &*body), (401, &b"Authentication failed"[..]), "{bearer:?}");
            let (status, _) = post(&client, "/v0/connect/flush", host, &[]).await;
            assert_eq!(status, 401, "{bearer:?}");
            assert_eq!(client.get("/v0/connect/envs/x/conns").await.0, 401);
            continue;
        }
        let start = StartResponse::decode(&*body).expect("a start response");
        assert_eq!(Some(start.sync_token), bearer);
        let endpoint = format!("ws://localhost:{}/v0/connect", engine.gateway().port());
        assert_eq!((start.gateway_endpoint, &*start.gateway_group), (endpoint, "gw-dev"));
        assert_eq!(start.connection_id.len(), 26);
    }
    client.bearer = Some("abcd".to_owned());
    let (status, body) = post(&client, "/v0/connect/start", "host: x\r\n", b"\xff").await;
    assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
    // What registers the functions is the sync token.
    let start = StartResponse { sync_token: "dcba".to_owned(), ..start(&client).await };
    let first = ConnectMessage::around(Kind::WorkerConnect, &hello(&start, &[]));
    let closed = Dialer::greet(&start, &first).await.closed().await;
    assert_eq!(closed, Closed::With(1011, "connect_internal_error".to_owned()));
    let mut dialer = Dialer::connect(&client, &[], |_| {}).await;
    dialer.say(Kind::WorkerHeartbeat).await;
    dialer.expect(Kind::GatewayHeartbeat).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn a_handshake_registers_the_functions_and_tells_the_intervals() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let functions = [function("app-f", 2), function("app-g", 2)];
    let (mut dialer, ready) = Dialer::connect_with(&client, &functions, |_| {}).await;
    let told = [&ready.heartbeat_interval, &ready.extend_lease_interval, &ready.status_interval];
    assert_eq!(told, ["10s", "30s", "0s"]);
    let (_, listed) = client.get("/v1/apps/app/functions").await;
    let slugs: Vec<&str> =
        listed.as_array().expect("a list").iter().flat_map(|f| f["id"].as_str()).collect();
    assert_eq!(slugs, ["app-f", "app-g"]);

    // Neither a second hello, nor what only the gateway sends, nor what does not exist changes anything.
    dialer.send(ConnectMessage::around(Kind::WorkerConnect, &WorkerConnect::default())).await;
    dialer.say(Kind::GatewayClosing).await;
    dialer.say(Kind::WorkerStatus).await;
    dialer.send(ConnectMessage { kind: 99, payload: "?".into() }).await;
    dialer.socket.send(Message::Ping("ping".into())).await.expect("sent");
    let pong = futures::StreamExt::next(&mut dialer.socket).await;
    assert!(matches!(pong, Some(Ok(Message::Pong(_)))), "{pong:?}");
    dialer.say(Kind::WorkerHeartbeat).await;
    dialer.expect(Kind::GatewayHeartbeat).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_is_closed_with_its_code() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let refused = |reason: &str| Closed::With(1008, reason.to_owned());
    let internal = || Closed::With(1011, "connect_internal_error".to_owned());
    type Change = fn(&mut WorkerConnect);
    let rows: [(Change, Closed); 7] = [
        (|it| it.connection_id = "x".to_owned(), refused("connect_worker_hello_invalid_payload")),
        (|it| it.instance_id.clear(), refused("connect_worker_hello_invalid_payload")),
        (|it| it.apps.clear(), refused("connect_worker_hello_invalid_payload")),
        (
            |it| it.apps = vec![it.apps[0].clone(); 11],
            refused("connect_too_many_apps_per_connection"),
        ),
        (|it| it.auth_data = None, refused("connect_authentication_failed")),
        (|it| it.apps[0].functions.clear(), internal()),
        (|it| it.apps[0].functions = b"[".to_vec(), internal()),
    ];
    for (at, (change, expected)) in rows.into_iter().enumerate() {
        let start = start(&client).await;
        let mut hello = hello(&start, &[function("app-f", 2)]);
        change(&mut hello);
        let first = ConnectMessage::around(Kind::WorkerConnect, &hello);
        assert_eq!(Dialer::greet(&start, &first).await.closed().await, expected, "row {at}");
    }
    let start = start(&client).await;
    let other = ConnectMessage::empty(Kind::WorkerHeartbeat);
    let closed = Dialer::greet(&start, &other).await.closed().await;
    assert_eq!(closed, refused("connect_worker_hello_invalid_msg"));
    engine.shutdown().await;
}

#[tokio::test]
async fn functions_that_are_refused_say_so_before_the_close() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    drop(Dialer::connect(&client, &[function("app-f", 2)], |_| {}).await);
    let start = start(&client).await;
    let nameless = json!({"id": "app-f", "name": ""});
    let first = ConnectMessage::around(Kind::WorkerConnect, &hello(&start, &[nameless]));
    let mut dialer = Dialer::greet(&start, &first).await;
    let error = SystemError::decode(dialer.expect(Kind::SyncFailed).await).expect("an error");
    assert_eq!((&*error.message, &*error.code), ("At least one function is invalid", ""));
    assert_eq!(dialer.closed().await, Closed::With(1008, String::new()));
    let (_, listed) = client.get("/v1/apps/app/functions").await;
    assert_eq!(listed[0]["id"], "app-f", "the functions of the last good handshake stay");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_session_token_ends_and_a_worker_that_says_nothing_is_cut() {
    let gateway =
        GatewayOptions { session_life: Duration::from_millis(200), ..GatewayOptions::default() };
    let engine = engine(gateway).await;
    let client = Client::of(&engine);
    let start = start(&client).await;
    let mut silent = Dialer::dial(&start).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    let first = ConnectMessage::around(Kind::WorkerConnect, &hello(&start, &[]));
    let closed = Dialer::greet(&start, &first).await.closed().await;
    assert_eq!(closed, Closed::With(1008, "connect_authentication_failed".to_owned()));
    assert_eq!(silent.closed().await, Closed::Torn, "after five seconds");
    engine.shutdown().await;
}

#[tokio::test]
async fn frames_that_cannot_be_read_end_the_connection() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let unreadable = || Closed::With(1007, "failed to unmarshal Protobuf".to_owned());
    let lease = ExtendLease { lease_id: "no ULID".to_owned(), ..ExtendLease::default() };
    let lease = ConnectMessage::around(Kind::WorkerRequestExtendLease, &lease);
    let bad_lease = "connect_worker_request_extend_lease_invalid_payload".to_owned();
    for (message, expected) in [
        (Message::Text("hello".into()), unreadable()),
        (Message::Binary("\u{7}garbage".into()), unreadable()),
        (Message::Binary(lease.encode_to_vec().into()), Closed::With(1008, bad_lease)),
        (
            Message::Binary(vec![0; (8 << 20) + 1].into()),
            Closed::With(1009, "read limited at 8388609 bytes".to_owned()),
        ),
    ] {
        let mut dialer = Dialer::connect(&client, &[], |_| {}).await;
        // The gateway may close before it has taken all of it.
        let _ = dialer.socket.send(message).await;
        assert_eq!(dialer.closed().await, expected);
    }
    // The largest frame is read: kind 99, which means nothing, and a payload that fills the frame.
    let mut dialer = Dialer::connect(&client, &[], |_| {}).await;
    let largest = ConnectMessage { kind: 99, payload: vec![0; (8 << 20) - 7].into() };
    assert_eq!(largest.encoded_len(), 8 << 20);
    dialer.send(largest).await;
    dialer.say(Kind::WorkerHeartbeat).await;
    dialer.expect(Kind::GatewayHeartbeat).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn only_workers_find_the_gateway() {
    let engine = engine(GatewayOptions::default()).await;
    let status = |path: &str, origin: Option<&str>| {
        let url = format!("ws://{}{path}", engine.gateway());
        let mut request = url.into_client_request().expect("a URL");
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().expect("a header"));
        }
        async move {
            match connect_async(request).await {
                Ok((_, response)) => response.status().as_u16(),
                Err(Error::Http(response)) => response.status().as_u16(),
                Err(other) => panic!("{other}"),
            }
        }
    };
    // Also without a subprotocol.
    assert_eq!(status("/v0/connect", None).await, 101);
    assert_eq!(status("/v0/connect", Some("http://localhost:3000")).await, 101);
    assert_eq!(status("/v0/connect", Some("https://example.com")).await, 403);
    assert_eq!(status("/", None).await, 404);
    let outside = GatewayOptions {
        listen: Some("0.0.0.0:0".parse().expect("an address")),
        ..GatewayOptions::default()
    };
    let error = Engine::start(Options { gateway: outside, ..options() }).await;
    assert!(error.is_err_and(|error| error.to_string().contains("loopback only")));
    engine.shutdown().await;
}

#[tokio::test]
async fn open_connections_are_listed() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let mut dialer = Dialer::connect(&client, &[], |hello| {
        hello.worker_manual_readiness_ack = true;
    })
    .await;
    let list = "/v0/connect/envs/any/conns";
    let shown = client.get(list).await.1["data"].clone();
    assert_eq!((shown[0]["instance_id"].clone(), shown[1].clone()), (json!("one"), json!(null)));
    assert!(shown[0].get("status").is_none(), "{shown}");
    for (say, status) in [(Kind::WorkerReady, 1), (Kind::WorkerPause, 2), (Kind::WorkerReady, 2)] {
        dialer.say(say).await;
        dialer.say(Kind::WorkerHeartbeat).await;
        dialer.expect(Kind::GatewayHeartbeat).await;
        let shown = client.get(list).await.1["data"].clone();
        assert_eq!(shown[0]["status"], status, "{say:?}: {shown}");
    }
    let (_, apps) = client.get("/dev").await;
    let app = apps["apps"][0]["id"].as_str().expect("an id").to_owned();
    for (filter, found) in [(app.as_str(), 1), ("other", 0)] {
        let (_, shown) = client.get(&format!("{list}?app_id={filter}")).await;
        assert_eq!(shown["data"].as_array().expect("a list").len(), found, "{filter}");
    }
    dialer.socket.close(None).await.expect("closed");
    connected(&client, 0).await;
    engine.shutdown().await;
}
