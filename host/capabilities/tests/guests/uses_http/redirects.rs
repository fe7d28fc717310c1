//! Redirects that the SDK follows: each hop is a request that the grants have to allow.

use super::*;

/// What was asked of this server: method and path, authorization, and body.
fn asked(server: &Server) -> Vec<String> {
    let all = server.requests().into_iter().map(|request| {
        let line = request.line.trim_end_matches(" HTTP/1.1").to_owned();
        let authorization = request.header("authorization").unwrap_or("-").to_owned();
        format!("{line} {authorization} {}", request.body)
    });
    all.collect()
}

/// A POST that is redirected with this status.
fn posted(server: &Server, status: u16) -> Value {
    json!({
        "url": server.url(&format!("/redirect={status}")), "method": "POST", "body": "body",
        "headers": [["authorization", "Bearer word"], ["content-type", "text/plain"]],
    })
}

#[tokio::test]
async fn see_other_becomes_a_get_without_a_body() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    server.redirect("/arrived?at=once");
    assert_eq!(site.run("send", posted(&server, 303)).await, "done \"200 2 ok\"");
    let expected = ["POST /redirect=303 Bearer word body", "GET /arrived?at=once Bearer word "];
    assert_eq!(asked(&server), expected);
    let last = server.requests().pop().expect("a request");
    assert_eq!(last.header("content-type"), None);
    assert_eq!(used(&site), Used { calls: 2, denied: 0 });
}

#[tokio::test]
async fn a_temporary_redirect_keeps_method_and_body() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    server.redirect("arrived");
    for status in [307, 308] {
        assert_eq!(site.run("send", posted(&server, status)).await, "done \"200 2 ok\"");
        assert_eq!(asked(&server).pop().expect("a request"), "POST /arrived Bearer word body");
    }
}

#[tokio::test]
async fn another_server_does_not_get_the_authorization() {
    let (one, other) = (Server::start().await, Server::start().await);
    let site = site(&format!("{}, {}", whole(&one), whole(&other))).await;
    one.redirect(&other.url("/arrived"));
    assert_eq!(site.run("send", posted(&one, 307)).await, "done \"200 2 ok\"");
    assert_eq!(asked(&one), ["POST /redirect=307 Bearer word body"]);
    assert_eq!(asked(&other), ["POST /arrived - body"]);
}

#[tokio::test]
async fn a_redirect_to_metadata_is_refused_at_that_hop() {
    let server = Server::start().await;
    let grant = format!("{}, {{ to = 'http://169.254.169.254', private = true }}", whole(&server));
    let site = site(&grant).await;
    server.redirect("http://169.254.169.254/latest/meta-data/");
    let said = site.run("send", get(server.url("/redirect"))).await;
    let expected = "the host denied the request to http://169.254.169.254/latest/meta-data/: ";
    assert!(said.contains(expected) && said.contains("that no grant opens"), "{said}");
    assert_eq!(used(&site), Used { calls: 2, denied: 1 });
    // And one that is granted nowhere.
    server.redirect("http://localhost:1/");
    let said = site.run("send", get(server.url("/redirect"))).await;
    assert!(said.contains("{ to = \"http://localhost:1/\", methods = [\"GET\"] } would"), "{said}");
    assert_eq!(asked(&server).len(), 2);
}

#[tokio::test]
async fn a_loop_of_redirects_comes_to_its_end() {
    let server = Server::start().await;
    let site = site(&whole(&server)).await;
    server.redirect("/redirect");
    let said = site.run("send", get(server.url("/redirect"))).await;
    assert!(said.contains("redirects once too often") && said.contains("(Never)"), "{said}");
    assert_eq!(server.requests().len(), 11, "the first one and ten hops");
    assert_eq!(server.connections(), 1);
}
