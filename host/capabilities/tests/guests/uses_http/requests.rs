//! What is granted works, and nothing else does.

use std::path::Path;

use protocol::trace::TraceContext;
use runtime::{Compilation, Component, Limits, Runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::site::{RUN, call};

#[tokio::test]
async fn a_granted_request_is_answered_and_counted() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    assert_eq!(site.run("send", get(server.url("/bytes=5"))).await, "done \"200 5 xxxxx\"");
    assert_eq!(used(&site), Used { calls: 1, denied: 0 });
    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /bytes=5 HTTP/1.1");
    assert_eq!(request.header("host"), Some(&*server.address.to_string()));
    assert_eq!(request.header("idempotency-key"), None, "a GET changes nothing");
}

#[tokio::test]
async fn without_a_grant_nothing_is_sent() {
    let server = Server::start().await;
    let site = site("").await;
    let said = site.run("send", get(server.url("/"))).await;
    assert!(said.contains("the host denied the request") && said.contains("Never"), "{said}");
    assert_eq!(used(&site), Used { calls: 1, denied: 1 });
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_denied_request_is_told_which_line_would_allow_it() {
    let server = Server::start().await;
    let site = site("{ to = 'http://granted.test:*' }").await;
    let (denied, port) = (server.url("/x?word"), server.address.port());
    let said = site.run("why", get(&denied)).await;
    let url = server.url("/x");
    let line = format!(
        "Denied: GET {url} was not sent: nothing in `http` of [components.uses-http] allows it; \
         {{ to = \\\"{url}\\\", methods = [\\\"GET\\\"] }} would"
    );
    assert!(said.contains(&line) && !said.contains("word"), "{said}");
    // Each is told of itself, though both were under way at once.
    let said = site.run("why", get(server.url("/a"))).await;
    let at = |path: &str| said.find(&format!("GET {} was", server.url(path))).expect("its words");
    assert!(at("/a") < at("/a/other"), "{said}");
    // Granted, but for its address; of what was denied in another step nothing is left.
    let said = site.run("why", get(format!("http://granted.test:{port}/"))).await;
    assert!(
        said.contains("Denied: GET http://granted.test") && said.contains("`private = true`"),
        "{said}"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn methods_and_paths_outside_of_the_grant_are_denied() {
    let server = Server::start().await;
    let grant = format!(
        "{{ to = '{}', methods = ['GET'], private = true }}, {{ to = '{}', private = true }}",
        server.url("/in/**"),
        server.url("/in/*/exact")
    );
    let site = site(&grant).await;
    let (ok, denied) = ("done \"200 2 ok\"", "done \"Denied\"");
    for (method, path, expected) in [
        ("GET", "/in/x?y=/../z", ok),
        ("POST", "/in/x/exact", ok),
        ("POST", "/in/x", denied),
        ("GET", "/out", denied),
        ("GET", "/in/../out", denied),
        ("GET", "/in/%2e%2e/out", denied),
        ("GET", "/in/..%2fout", denied),
        ("GET", "//in/x", denied),
        ("CONNECT", "/in/x", denied),
        ("get", "/in/x", denied),
    ] {
        let asked = json!({"url": server.url(path), "method": method});
        assert_eq!(site.run("error", asked).await, expected, "{method} {path}");
    }
    assert_eq!(used(&site), Used { calls: 10, denied: 8 });
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn another_server_on_the_same_machine_is_denied() {
    let (granted, other) = (Server::start().await, Server::start().await);
    let site = site(&whole(&granted)).await;
    assert_eq!(site.run("error", get(other.url("/"))).await, "done \"Denied\"");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn requests_that_change_something_carry_the_key_of_their_step() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let before = server.requests().len();
        let asked = json!({"url": server.url("/"), "method": method, "body": "x"});
        let said = site.run("key", asked).await;
        let sent: Vec<_> = server.requests()[before..]
            .iter()
            .map(|request| request.header("idempotency-key").unwrap_or_default().to_owned())
            .collect();
        assert_eq!(said, format!("done {}", json!(sent)));
        assert_ne!(sent[0], sent[1], "steps differ");
    }
    let own =
        json!({"url": server.url("/"), "method": "POST", "headers": [["Idempotency-Key", "own"]]});
    site.run("send", own).await;
    let last = server.requests().pop().expect("a request");
    assert_eq!(last.header("idempotency-key"), Some("own"));
}

#[tokio::test]
async fn a_request_takes_part_in_the_trace_of_its_call() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut traced = call(RUN, &get(server.url("/")));
    let own = Arc::get_mut(&mut traced).expect("nobody else has it");
    own.trace = TraceContext::new(parent, Some("vendor=1"));
    assert_eq!(site.run_call("send", traced).await, "done \"200 2 ok\"");
    let request = server.requests().pop().expect("a request");
    assert_eq!(request.header("traceparent"), Some(parent));
    assert_eq!(request.header("tracestate"), Some("vendor=1"));
}

#[tokio::test]
async fn what_looks_like_the_placeholder_of_another_call_is_not_sent() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    let token = "sb-secret-0123456789abcdef0123456789abcdef";
    for asked in [
        json!({"url": server.url("/"), "headers": [["authorization", format!("Bearer {token}")]]}),
        json!({"url": server.url("/"), "method": "POST", "body": format!("token={token}")}),
    ] {
        assert_eq!(site.run("error", asked).await, "done \"Denied\"");
    }
    assert_eq!(server.connections(), 0);
    let long = json!({"url": server.url("/"), "method": "POST", "body": "x".repeat(70_000)});
    assert_eq!(site.run("error", long).await, "done \"200 2 ok\"");
    assert_eq!(server.requests()[0].body.len(), 70_000, "what is looked through leaves whole");
}

/// What `--allow-http` says holds for every component, beside what is granted to each.
#[tokio::test]
async fn a_listed_destination_is_open_to_every_component() {
    let (listed, other) = (Server::start().await, Server::start().await);
    let grants = Arc::new(capabilities::Grants::default());
    let vault = Vault::open(&grants).expect("a vault");
    let provider: Arc<dyn runtime::Provider> = Arc::new(Provider::new(grants, vault));
    let runtime = Runtime::with_providers(
        Limits::default(),
        vec![listed.url("").parse().expect("a destination")],
        Compilation::default(),
        vec![provider],
    )
    .expect("an engine");
    let bytes = std::fs::read(guests::USES_HTTP).expect("a built guest");
    let component = Component::load(&runtime, "uses-http", bytes).await.expect("a component");
    let site = Site { runtime, component };
    let post = json!({"url": listed.url("/"), "method": "POST"});
    assert_eq!(site.run("send", post).await, "done \"200 2 ok\"");
    assert!(listed.requests()[0].header("idempotency-key").is_some());
    assert_eq!(site.run("error", get(other.url("/"))).await, "done \"Denied\"");
    assert_eq!(used(&site), Used { calls: 2, denied: 1 });
}

#[tokio::test]
async fn the_key_can_be_left_out() {
    let server = Server::start().await;
    let grant = format!("{{ to = '{}', private = true, idempotency = false }}", server.url(""));
    let site = site(&grant).await;
    site.run("send", json!({"url": server.url("/"), "method": "POST", "body": "hello"})).await;
    let request = server.requests().pop().expect("a request");
    assert_eq!((request.header("idempotency-key"), &*request.body), (None, "hello"));
}

#[tokio::test]
async fn a_component_uses_its_connections_again_and_those_of_no_other() {
    let server = Server::start().await;
    let first = site(&whole(&server)).await;
    let bytes = std::fs::read(Path::new(guests::USES_HTTP)).expect("a built guest");
    let component = Component::load(&first.runtime, "other", bytes).await.expect("a component");
    let second = Site { runtime: first.runtime.clone(), component };
    for _ in 0..2 {
        for site in [&first, &second] {
            let asked = json!({"url": server.url("/"), "count": 3});
            assert_eq!(site.run("again", asked).await, "done null");
        }
    }
    let connections: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
}

#[tokio::test]
async fn a_connection_that_its_server_left_is_not_used_again() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    let asked = json!({"url": server.url("/leave"), "count": 5});
    assert_eq!(site.run("again", asked).await, "done null");
    assert_eq!(server.connections(), 5);
}

#[tokio::test]
async fn outside_of_a_step_no_request_is_sent() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    let said = site.run("outside", get(server.url("/"))).await;
    assert!(said.contains("outgoing HTTP") && said.contains("uses_http.rs:"), "{said}");
    assert_eq!(server.connections(), 0);
}

/// What a guest keeps of a request leads nowhere when the step has ended: not a byte of what it writes then arrives, and no
/// answer does.
#[tokio::test]
async fn a_request_ends_with_the_step_that_began_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let (mut all, mut part) = (Vec::new(), [0; 1024]);
        loop {
            match stream.read(&mut part).await {
                Ok(read) if read > 0 => all.extend_from_slice(&part[..read]),
                _ => return String::from_utf8_lossy(&all).into_owned(),
            }
            if all.ends_with(b"0\r\n\r\n") {
                // Only a request that went on has an end.
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).await.expect("an answer");
            }
        }
    });
    let site = site(&format!("{{ to = '{url}**', private = true }}")).await;
    let said = site.run("outlive", get(url)).await;
    assert!(said.starts_with("done") && !said.contains("heard"), "{said}");
    let heard = tokio::time::timeout(std::time::Duration::from_secs(30), heard);
    let heard = heard.await.expect("the connection is closed").expect("no panic");
    assert!(heard.contains("inside"), "it was on its way: {heard}");
    assert!(!heard.contains("outside"), "{heard}");
}
