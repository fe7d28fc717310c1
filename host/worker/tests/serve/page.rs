//! The worker's page: what it shows, to whom, and that it changes nothing.

use reqwest::Method;
use worker::Access;

use crate::bus::{Bus, deployed, options};
use crate::call::Request;
use crate::server::Server;

const VIEWS: [(&str, &str); 4] = [
    ("/page", "host worker"),
    ("/page/generations", "Activation log"),
    ("/page/assets/style.css", "prefers-color-scheme"),
    ("/page/assets/script.js", "use strict"),
];

async fn bus(server: &Server, access: Access) -> Bus {
    let options = worker::Options {
        access,
        role: protocol::role::Role::Host,
        ..options(protocol::signature::Trust::Dev, server.address)
    };
    Bus::with(options, deployed(&[guests::IMPORT_FILES]).await).await
}

#[tokio::test]
async fn the_page_asks_for_the_token_as_a_browser_gives_it_and_shows_what_is_active() {
    let server = Server::start();
    let bus = bus(&server, Access::token("sesame", false)).await;
    for (path, says) in VIEWS {
        // `me:sesame`, `me:sesam` and the token of a program.
        for (given, status) in [
            (None, 401),
            (Some("Basic bWU6c2VzYW0="), 401),
            (Some("Basic bWU6c2VzYW1l"), 200),
            (Some("Bearer sesame"), 200),
        ] {
            let request = Request::new(Method::GET, path);
            let request = match given {
                Some(given) => request.with("authorization", given),
                None => request,
            };
            let answer = bus.send(request).await;
            assert_eq!(answer.status, status, "{path} {given:?}");
            let asks =
                answer.header("www-authenticate").is_some_and(|asks| asks.starts_with("Basic"));
            assert_eq!(asks, status == 401);
            let text = answer.body.clone();
            assert_eq!(text.contains(says), status == 200, "{path}: {text}");
            assert!(!text.contains("<form"), "it offers nothing that changes");
        }
        let posted = Request::new(Method::POST, path).with("authorization", "Bearer sesame");
        assert_eq!(bus.send(posted).await.status, 405, "{path}");
    }
    // A browser sends its password by itself, so nothing that changes takes it.
    let rollback =
        Request::new(Method::POST, "/api/rollback").with("authorization", "Basic bWU6c2VzYW1l");
    assert_eq!(bus.send(rollback).await.status, 401);
    bus.running.shutdown().await;
}

#[tokio::test]
async fn a_function_is_shown_with_the_import_that_forced_it() {
    let server = Server::start();
    let bus = bus(&server, Access::loopback()).await;
    let answer = bus.send(Request::new(Method::GET, "/page")).await;
    let text = answer.body.clone();
    assert!(text.contains("wasi:filesystem"), "{text}");
    let foreign = Request::new(Method::GET, "/page").with("host", "rebound.example");
    assert_eq!(bus.send(foreign).await.status, 403);
    bus.running.shutdown().await;
}
