//! Every route for operators asks who it is.

use reqwest::Method;
use serde_json::json;
use worker::Access;

use super::{Field, post, reload};
use crate::bus::deployed;
use crate::call::Request;

fn routes() -> Vec<Request> {
    vec![
        Request::new(Method::GET, "/api/generations"),
        Request::new(Method::GET, "/api/functions"),
        Request::new(Method::GET, "/api/logs?run=01M81GXW71CEV7JQT6T4T8NAKZ"),
        reload(""),
        post("/api/rollback", &json!({"to": 1})),
        post("/api/retire", &json!({})),
    ]
}

async fn field(access: Access) -> Field {
    Field::of(deployed(&[guests::STEPS]).await, |options| options.access = access).await
}

#[tokio::test]
async fn a_token_opens_every_route_and_nothing_else_does() {
    let field = field(Access::token("sesame", false)).await;
    for route in routes() {
        for (given, admitted) in
            [(None, false), (Some("Bearer sesam"), false), (Some("Bearer sesame"), true)]
        {
            let request = match given {
                Some(token) => route.clone().with("authorization", token),
                None => route.clone(),
            };
            let answer = field.bus.send(request).await;
            if admitted {
                assert!((200..300).contains(&answer.status), "{} {answer:?}", route.path);
            } else {
                assert_eq!(
                    (answer.status, answer.header("www-authenticate")),
                    (401, Some("Bearer"))
                );
                assert_eq!(answer.json()["error"], "refused", "{}", route.path);
            }
        }
    }
    // The server's calls and health need none.
    field.bus.assert_works().await;
    field.end().await;
}

#[tokio::test]
async fn without_a_token_this_machine_may_but_no_page_of_a_browser() {
    let field = field(Access::loopback()).await;
    for route in routes() {
        let foreign = route.clone().with("origin", "http://evil.example");
        assert_eq!(field.bus.send(foreign).await.status, 403, "{}", route.path);
        let rebound = route.clone().with("host", "rebound.example");
        assert_eq!(field.bus.send(rebound).await.status, 403, "{}", route.path);
        let answer = field.bus.send(route.clone()).await;
        assert!((200..300).contains(&answer.status), "{} {answer:?}", route.path);
    }
    field.end().await;
}

#[tokio::test]
async fn where_nobody_may_nobody_does() {
    let field = field(Access::nobody()).await;
    for route in routes() {
        assert_eq!(field.bus.send(route.clone()).await.status, 403, "{}", route.path);
    }
    assert_eq!(field.bus.health().await["registration"]["state"], "synced", "not retired");
    field.end().await;
}
