//! Connections: how they are made, refused, lost and replaced.

use std::time::{Duration, Instant};

use protocol::connect::frames::{ConnectMessage, Kind, SystemError};
use protocol::signature::{Keys, SigningKey, Trust};
use worker::SyncState;
use worker::connect::ConnectOptions;

use crate::gateway::{Gateway, five, ops};
use crate::worker::{APP, Gate, connect, connected, options, start, until};

fn is_synced(state: &SyncState) -> bool {
    matches!(state, SyncState::Synced { .. })
}

#[tokio::test]
async fn the_worker_introduces_itself_and_is_registered_by_that() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let mut socket = gateway.socket().await;
    let hello = socket.hello().await;
    assert_eq!((hello.instance_id.as_str(), hello.sdk_language.as_str()), ("one", "rust"));
    assert_eq!(hello.connection_id, "01M81GASH0R910JDJB44E5C4J1");
    assert_eq!(hello.max_worker_concurrency, Some(4));
    assert!(!hello.worker_manual_readiness_ack);
    assert_eq!(hello.apps.len(), 1);
    assert_eq!(hello.apps[0].app_name, APP);
    let functions: serde_json::Value =
        serde_json::from_slice(&hello.apps[0].functions).expect("JSON");
    let url = functions[0]["steps"]["step"]["runtime"]["url"].as_str().expect("a URL");
    assert!(url.starts_with("ws://") && url.contains("fnId=bus-"), "{url}");
    assert!(!is_synced(&running.sync_state().borrow()));
    socket.say_ready("10s", "30s").await;
    until(&running, "registered", is_synced).await;
    let health = reqwest::get(format!("http://{}/", running.address())).await.expect("health");
    assert_eq!(health.status(), 200);
    let inngest = format!("http://{}/api/inngest", running.address());
    assert_eq!(reqwest::get(inngest).await.expect("an answer").status(), 404);
    running.shutdown().await;
    assert_eq!(socket.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
}

#[tokio::test]
async fn the_fallback_key_is_tried_when_the_first_is_refused() {
    let mut gateway = Gateway::start().await;
    let key = |text| SigningKey::parse(text).expect("a key");
    let (primary, fallback) = (key("signkey-test-aa11"), key("signkey-test-bb22"));
    gateway.revoke(primary.bearer());
    let expected = format!("Bearer {}", fallback.bearer());
    let trust = Trust::Signed(Keys { primary, fallback: Some(fallback) });
    let running = start(worker::Options { trust, ..options(&gateway, connect()) }).await;
    let mut socket = gateway.socket().await;
    let hello = socket.hello().await;
    assert_eq!(hello.auth_data.expect("tokens").sync_token, expected);
    let first = gateway.starts.recv().await.expect("a start call");
    let second = gateway.starts.recv().await.expect("a start call");
    assert_ne!(first.bearer, second.bearer);
    running.shutdown().await;
}

#[tokio::test]
async fn refused_functions_show_in_health_and_are_not_announced_again_at_once() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let mut socket = gateway.socket().await;
    socket.hello().await;
    let error =
        SystemError { code: String::new(), data: None, message: "an invalid cron".to_owned() };
    socket.say(&ConnectMessage::around(Kind::SyncFailed, &error)).await;
    until(&running, "refused", |state| match state {
        SyncState::Pending { error: Some(error), .. } => error.contains("an invalid cron"),
        _ => false,
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(gateway.sockets_waiting(), 0, "whoever has a bad cron has it a second later too");
    running.shutdown().await;
}

#[tokio::test]
async fn a_gateway_that_leaves_heartbeats_unanswered_is_given_up() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let mut silent = gateway.ready("100ms", "30s").await;
    until(&running, "registered", is_synced).await;
    // It neither answers nor closes; the socket stays open all the time.
    let mut next = gateway.ready("10s", "30s").await;
    assert_eq!(silent.closed().await.0, 1006);
    until(&running, "registered again", is_synced).await;
    assert_eq!(gateway.starts.len(), 2, "each connection has a start call of its own");
    let gate = Gate::start().await;
    gate.open();
    next.request(&five("r", None, 0, &gate.url)).await;
    assert_eq!(ops(&next.reply().await), ["StepRun"]);
    next.stored("r").await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_gateway_that_refuses_everybody_is_not_stormed() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let begun = Instant::now();
    for _ in 0..3 {
        drop(gateway.socket().await);
    }
    // Pauses of at least half of 1 s and of 2 s lie between three attempts.
    assert!(begun.elapsed() >= Duration::from_millis(1_400), "{:?}", begun.elapsed());
    running.shutdown().await;
}

#[tokio::test]
async fn before_a_gateway_leaves_another_connection_is_made() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut old = gateway.ready("10s", "30s").await;
    old.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    old.say(&ConnectMessage::empty(Kind::GatewayClosing)).await;
    let mut new = gateway.socket().await;
    let first = gateway.starts.recv().await.expect("a start call");
    let second = gateway.starts.recv().await.expect("a start call");
    assert_eq!((first.exclude.len(), second.exclude), (0, vec!["group-1".to_owned()]));
    new.hello().await;
    new.say_ready("10s", "30s").await;
    assert_eq!(old.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    // What ran goes on, and is answered over the new connection.
    gate.open();
    let reply = new.reply().await;
    assert_eq!((reply.request_id.as_str(), ops(&reply)), ("r", vec!["StepRun".to_owned()]));
    new.stored("r").await;
    running.shutdown().await;
}

#[tokio::test]
async fn the_gateways_address_can_be_overridden() {
    let mut gateway = Gateway::start().await;
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/other", elsewhere.local_addr().expect("an address"));
    let connect = ConnectOptions { gateway: Some(url.parse().expect("a URL")), ..connect() };
    let running = start(options(&gateway, connect)).await;
    crate::soon("a connection elsewhere", elsewhere.accept()).await.expect("a connection");
    assert_eq!(gateway.sockets_waiting(), 0);
    assert!(gateway.starts.recv().await.is_some());
    running.shutdown().await;
}

#[tokio::test]
async fn a_change_is_announced_by_a_second_connection_before_the_first_is_paused_and_closed() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut old = gateway.ready("10s", "30s").await;
    until(&running, "registered", is_synced).await;
    old.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    running.serve_less().await;
    let mut new = gateway.socket().await;
    assert!(!is_synced(&running.sync_state().borrow()), "the new set is not told yet");
    let hello = new.hello().await;
    assert_eq!(hello.instance_id, "one");
    let told: serde_json::Value =
        serde_json::from_slice(&hello.apps[0].functions).expect("functions");
    let untriggered = told.as_array().expect("functions").iter();
    let untriggered = untriggered.filter(|one| one["triggers"] == serde_json::json!([])).count();
    assert_eq!(untriggered, 1);
    // Until the new one is ready the old one takes calls.
    old.request(&five("s", None, 0, &gate.url)).await;
    gate.reached().await;
    new.say_ready("10s", "30s").await;
    old.expect(Kind::WorkerPause).await;
    let wanted = running.wanted();
    until(&running, "registered again", |state| state.has(&wanted)).await;
    // What was on its way to the old one is still taken.
    old.request(&five("t", None, 0, &gate.url)).await;
    gate.reached().await;
    for _ in 0..3 {
        gate.open();
    }
    let mut answered = Vec::new();
    for _ in 0..3 {
        let reply = new.reply().await;
        assert_eq!(ops(&reply), ["StepRun"]);
        new.stored(&reply.request_id).await;
        answered.push(reply.request_id);
    }
    answered.sort();
    assert_eq!(answered, ["r", "s", "t"]);
    assert_eq!(old.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    running.shutdown().await;
    assert!(gateway.flushed.is_empty());
}

#[tokio::test]
async fn a_change_that_is_nothing_to_the_server_touches_no_connection() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let mut socket = gateway.ready("10s", "30s").await;
    until(&running, "registered", is_synced).await;
    running.serve_other_code().await;
    let gate = Gate::start().await;
    gate.open();
    socket.request(&five("r", None, 0, &gate.url)).await;
    assert_eq!(socket.reply().await.request_id, "r");
    socket.stored("r").await;
    assert!(is_synced(&running.sync_state().borrow()));
    assert_eq!((gateway.sockets_waiting(), gateway.starts.len()), (0, 1));
    running.shutdown().await;
}

#[tokio::test]
async fn changes_during_a_handshake_end_with_the_newest() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let mut first = gateway.ready("10s", "30s").await;
    until(&running, "registered", is_synced).await;
    running.serve_less().await;
    let mut second = gateway.socket().await;
    second.hello().await;
    running.serve_all().await;
    second.say_ready("10s", "30s").await;
    first.expect(Kind::WorkerPause).await;
    let mut third = gateway.ready("10s", "30s").await;
    let wanted = running.wanted();
    until(&running, "registered", |state| state.has(&wanted)).await;
    second.expect(Kind::WorkerPause).await;
    for socket in [&mut first, &mut second] {
        assert_eq!(socket.closed().await.0, 1000);
    }
    running.shutdown().await;
    assert_eq!(third.closed().await.0, 1000);
}

#[tokio::test]
async fn a_worker_that_stands_down_pauses_answers_and_closes() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    running.stand_down().await;
    socket.expect(Kind::WorkerPause).await;
    gate.open();
    assert_eq!(socket.reply().await.request_id, "r");
    socket.stored("r").await;
    assert_eq!(socket.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    until(&running, "stood down", |state| matches!(state, SyncState::StoodDown { .. })).await;
    running.serve_less().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(gateway.sockets_waiting(), 0, "it does not come back");
    running.shutdown().await;
}

#[tokio::test]
async fn a_function_of_another_app_keeps_the_worker_from_connecting_until_it_is_given_up() {
    let mut gateway = Gateway::start().await;
    let functions = crate::worker::deployed().await.functions();
    gateway.give_to_another(vec![format!("other-{}", functions[0].id)]);
    let look_again = Duration::from_millis(100);
    let running = start(worker::Options { look_again, ..options(&gateway, connect()) }).await;
    until(&running, "blocked", |state| matches!(state, SyncState::Blocked { .. })).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((gateway.sockets_waiting(), gateway.starts.len()), (0, 0));
    gateway.give_to_another(Vec::new());
    let mut socket = gateway.ready("10s", "30s").await;
    until(&running, "registered", is_synced).await;
    running.shutdown().await;
    assert_eq!(socket.closed().await.0, 1000);
}
