//! What the drill about outages runs, while everything it needs is there: all providers together, of one file of grants.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use capabilities::{grants, providers};
use redis::Commands;
use runtime::{Compilation, Component, Limits, Runtime};
use serde_json::json;

use crate::granted::surroundings;
use crate::redis_server::RedisServer;
use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn while_everything_is_there_everything_is_done() {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let count = format!("http://{}", listener.local_addr().expect("an address"));
    let reports = Router::new().fallback(async || StatusCode::NO_CONTENT);
    tokio::spawn(async move { axum::serve(listener, reports).await });
    let grants = grants::parse(&format!(
        "[redis]\nurl = '{}'\n[roots.disk]\npath = '{}'\n[components.uses-outage]\nredis = {{}}\n\
         fs = [{{ root = 'disk', access = 'read-write' }}]\nhttp = [{{ to = '{count}/**', private = true }}]\n",
        server.url(),
        folder.path().display(),
    ));
    let grants = Arc::new(grants.expect("sound grants"));
    let elsewhere = tempfile::tempdir().expect("a folder");
    let providers = providers(&grants, &surroundings(elsewhere.path())).expect("providers");
    let runtime =
        Runtime::with_providers(Limits::default(), Vec::new(), Compilation::default(), providers);
    let runtime = runtime.expect("an engine").granting(grants.granted());
    let bytes = std::fs::read(guests::USES_OUTAGE).expect("a built guest");
    let component = Component::load(&runtime, "uses-outage", bytes).await.expect("a component");
    let site = Site { runtime, component };

    let named = |name: &str| json!({ "name": name, "count": count, "root": "disk", "size": 5 });
    assert_eq!(site.run("keeps", named("k")).await, "done true");
    let kept: String = server.connection().get("uses-outage:k").expect("a value");
    assert_eq!(kept, "kept");
    assert_eq!(site.run("writes", named("f")).await, "done null");
    assert_eq!(site.run("looks", named("")).await, r#"done {"f":5}"#);
    assert_eq!(site.run("removes", named("f")).await, "done null");
    assert_eq!(site.run("looks", named("")).await, "done {}");
    let asked = site.run("asks", json!({ "url": format!("{count}/x") })).await;
    assert!(asked.starts_with(r#"done ["204","#), "{asked}");
}
