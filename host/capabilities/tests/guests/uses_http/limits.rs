//! Servers that give too much, too slowly, or nothing.

use super::*;

/// A grant for this server with further keys.
fn with(server: &Server, keys: &str) -> String {
    format!("{{ to = '{}', private = true, {keys} }}", server.url(""))
}

#[tokio::test]
async fn an_answer_may_be_as_large_as_granted_and_no_larger() {
    let server = Server::start().await;
    let site = site(&with(&server, "answer = '1000B', within = '20s'")).await;
    for (path, expected) in [
        ("/bytes=1000", "200 1000 "),
        ("/chunks=1000", "200 1000 "),
        ("/bytes=1001", "TooLarge"),
        ("/chunks=1001", "TooLarge"),
        ("/flood", "TooLarge"),
    ] {
        let said = site.run("error", get(server.url(path))).await;
        assert!(said.starts_with(&format!("done \"{expected}")), "{path}: {said}");
    }
    // What was too large left its connection to nobody.
    let said = site.run("error", get(server.url("/"))).await;
    assert_eq!(said, "done \"200 2 ok\"");
}

#[tokio::test]
async fn a_server_that_never_comes_to_its_end_is_left() {
    let server = Server::start().await;
    let site = site(&with(&server, "within = '400ms'")).await;
    for path in ["/drip", "/silence"] {
        assert_eq!(site.run("error", get(server.url(path))).await, "done \"Timeout\"", "{path}");
    }
    // Its connections were closed with the answers, not kept until their servers are done.
    server.until_all_are_closed().await;
}

#[tokio::test]
async fn a_head_has_its_limits() {
    let server = Server::start().await;
    let site = site(&with(&server, "within = '20s'")).await;
    for path in ["/headers=66000", "/headers=1000000", "/many-headers=200"] {
        let said = site.run("error", get(server.url(path))).await;
        assert_eq!(said, "done \"TooLarge\"", "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    assert_eq!(site.run("error", get(server.url("/half"))).await, "done \"Protocol\"");
}

#[tokio::test]
async fn nobody_there_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let site = site(&format!("{{ to = '{url}', private = true }}")).await;
    assert_eq!(site.run("error", get(url)).await, "done \"Refused\"");
}

#[tokio::test]
async fn thousands_of_requests_at_once_wait_for_their_turn() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    let asked = json!({"url": server.url("/slowly"), "count": 1000});
    assert_eq!(site.run("flood", asked).await, "done 1000");
    assert_eq!(server.requests().len(), 1000);
    assert!(server.most_open() <= 64 + 32, "{} at once", server.most_open());
}

#[tokio::test]
async fn answers_that_nobody_reads_hold_so_many_connections_and_no_more() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    let asked = json!({"url": format!("http://{}", server.address), "count": 300});
    let said = site.run("hoard", asked).await;
    assert!(said.starts_with("done [64,[\"") && said.contains("ConnectionLimitReached"), "{said}");
    assert_eq!(server.most_open(), 64);
    // What it held is given back with the end of its step.
    server.until_all_are_closed().await;
    assert_eq!(site.run("send", get(server.url("/"))).await, "done \"200 2 ok\"");
}

#[tokio::test]
async fn the_headers_of_a_request_have_their_limit() {
    let site = site("").await;
    let made = async |bytes: u64| site.run("fields", json!({"url": "", "count": bytes})).await;
    assert_eq!(made(15_000).await, "done 15000");
    let said = made(100_000).await;
    let expected = "LimitExceeded: function fields of component uses-http: in step \"fields\" it put more than";
    assert!(said.starts_with(expected) && said.contains("16 KiB into the headers"), "{said}");
}
