//! What senders are told.

use std::net::SocketAddr;
use std::time::Duration;

use gateway::limits::Limits;
use gateway::{Provider, Providers};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scene::{Scene, Wishes, run};

#[tokio::test]
async fn a_delivery_becomes_one_event_however_often_it_comes() {
    let scene = Scene::new(Wishes::default()).await;
    let (headers, body) = run(1, json!("success"));
    let first = scene.post("github", &headers, body.clone()).await;
    assert_eq!(first, (200, r#"{"events":1,"ok":true,"repeat":false}"#.to_owned()));
    let second = scene.post("github", &headers, body).await;
    assert_eq!(second, (200, r#"{"events":1,"ok":true,"repeat":true}"#.to_owned()));
    let (headers, body) = run(2, json!("failure"));
    assert_eq!(scene.post("github", &headers, body).await.0, 200);
    let events = scene.server.has(2).await;
    let ids: Vec<_> = events.iter().map(|event| event["id"].as_str().unwrap_or_default()).collect();
    assert_eq!(ids, ["github-workflow-run-completed-d-1-1", "github-workflow-run-completed-d-2-2"]);
    assert_eq!(events[0]["name"], json!("github/workflow_run.completed"));
    assert_eq!(scene.verdict("github", "accepted").await, 2);
    assert_eq!(scene.verdict("github", "repeat").await, 1);
}

#[tokio::test]
async fn all_refusals_look_alike_and_nothing_is_sent() {
    let scene = Scene::new(Wishes {
        limits: Limits { refused: 100, ..Limits::default() },
        ..Wishes::default()
    })
    .await;
    let (headers, body) = run(1, json!("success"));
    let refused = (401, r#"{"error":"the delivery could not be verified","ok":false}"#.to_owned());
    let mut wrong = headers.clone();
    wrong[0].1 = format!("sha256={}", "0".repeat(64));
    let twice = [headers.clone(), vec![headers[0].clone()]].concat();
    assert_eq!(scene.post("github", &wrong, body.clone()).await, refused);
    assert_eq!(scene.post("github", &twice, body.clone()).await, refused);
    assert_eq!(scene.post("github", &[], body.clone()).await, refused);
    assert_eq!(scene.post("github", &headers, "{}").await, refused);
    // A provider without a secret.
    assert_eq!(
        scene.post("vercel", &[("x-vercel-signature", "00".repeat(20))], "{}").await,
        refused
    );
    assert_eq!(scene.post("nobody", &headers, body.clone()).await.0, 404);
    // The secret that comes is good at once.
    scene.secrets.set("github_webhook_secret", "another secret");
    assert_eq!(scene.post("github", &headers, body.clone()).await, refused);
    scene.secrets.set("github_webhook_secret_previous", "a secret of the tests");
    assert_eq!(scene.post("github", &headers, body).await.0, 200);
    scene.server.has(1).await;
    assert_eq!(scene.verdict("github", "refused-wrong").await, 3);
    assert_eq!(scene.verdict("github", "refused-no-signature").await, 1);
    assert_eq!(scene.verdict("github", "refused-malformed").await, 1);
    assert_eq!(scene.verdict("vercel", "refused-no-secret").await, 1);
}

#[tokio::test]
async fn what_is_believed_and_is_no_event_is_told_so() {
    let scene = Scene::new(Wishes::default()).await;
    let post = async |body: &str| {
        let signed = gateway::testing::signed("github", body.as_bytes(), 0);
        scene.post("github", &signed.headers, body.to_owned()).await
    };
    assert_eq!(post("not json").await.0, 400);
    assert_eq!(post(&"[".repeat(100_000)).await.0, 400);
    let ignored = post(r#"{"zen":"Speak like a human."}"#).await;
    assert!(ignored.0 == 200 && ignored.1.contains(r#""events":0"#), "{ignored:?}");
    assert_eq!(scene.verdict("github", "ignored").await, 1);
    assert_eq!(scene.server.events().len(), 0);
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_time() {
    let limits = Limits { body: 1000, patience: Duration::from_millis(300), ..Limits::default() };
    let scene = Scene::new(Wishes { limits, ..Wishes::default() }).await;
    assert_eq!(scene.post("github", &[], vec![b' '; 1001]).await.0, 413);
    assert_eq!(scene.post("github", &[], vec![b' '; 1000]).await.0, 401);
    // One that does not say how long it is, and one that never ends.
    let chunk = "3e9\r\n".to_owned() + &" ".repeat(1001) + "\r\n0\r\n\r\n";
    assert_eq!(
        raw(scene.address, &format!("Transfer-Encoding: chunked\r\n\r\n{chunk}")).await,
        "413"
    );
    assert_eq!(raw(scene.address, "Content-Length: 10\r\n\r\n{").await, "408");
    assert_eq!(scene.verdict("github", "too-large").await, 2);
    assert_eq!(scene.verdict("github", "too-slow").await, 1);
}

#[tokio::test]
async fn who_is_slow_again_and_again_is_not_listened_to() {
    let patience = Duration::from_millis(50);
    let limits = Limits { refused: 2, patience, ..Limits::default() };
    let scene = Scene::new(Wishes { limits, ..Wishes::default() }).await;
    let told = [
        raw(scene.address, "Content-Length: 10\r\n\r\n{").await,
        raw(scene.address, "Content-Length: 10\r\n\r\n{").await,
        raw(scene.address, "Content-Length: 10\r\n\r\n{").await,
    ];
    assert_eq!(told, ["408", "408", "429"]);
}

/// The status of the answer to a delivery whose end is written by hand.
async fn raw(address: SocketAddr, rest: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("POST /webhooks/github HTTP/1.1\r\nHost: {address}\r\n{rest}");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

#[tokio::test]
async fn too_many_are_sent_away_for_a_while() {
    let limits = Limits { address_rate: 2, refused: 3, ..Limits::default() };
    let scene = Scene::new(Wishes { limits, proxies: 1, ..Wishes::default() }).await;
    let post = async |from: &str, right: bool, id: u64| {
        let (mut headers, body) = run(id, json!("success"));
        if !right {
            headers[0].1 = "sha256=00".to_owned();
        }
        // Whoever sends may write anything; our proxy adds at the end whom it has it from.
        headers.push(("x-forwarded-for", format!("10.0.0.{id}, {from}")));
        scene.post("github", &headers, body).await.0
    };
    let mut told = Vec::new();
    for id in 0..6 {
        told.push(post("192.0.2.1", true, id).await);
    }
    assert_eq!(told[..4], [200; 4]);
    assert!(told.contains(&429), "{told:?}");
    for id in 10..13 {
        assert_eq!(post("192.0.2.2", false, id).await, 401);
    }
    assert_eq!(post("192.0.2.2", true, 20).await, 429, "it was refused too often");
    assert_eq!(post("192.0.2.3", true, 21).await, 200);
    assert_eq!(scene.verdict("github", "limited-refused-before").await, 1);
}

#[tokio::test]
async fn only_so_many_are_read_at_once() {
    let limits = Limits { at_once: 2, patience: Duration::from_secs(5), ..Limits::default() };
    let scene = Scene::new(Wishes { limits, ..Wishes::default() }).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(scene.address).await.expect("connected");
        let request = "POST /webhooks/github HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{";
        stream.write_all(request.as_bytes()).await.expect("written");
        slow.push(stream);
    }
    let (headers, body) = run(1, json!("success"));
    for _ in 0..200 {
        if scene.post("github", &headers, body.clone()).await.0 == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(scene.verdict("github", "limited-at-once").await > 0);
    drop(slow);
    for _ in 0..200 {
        if scene.post("github", &headers, body.clone()).await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no place became free again");
}

#[tokio::test]
async fn handshakes_are_answered_once_they_are_believed() {
    let hub = "[[verify]]\nmethod = 'hmac-sha256'\nheader = 'x-hub-signature-256'\nbefore = 'sha256='\nencoding = 'hex'\n\
               signs = '{body}'\nsecrets = ['meta_app_secret']\n[[handshake]]\nkind = 'hub'\nsecrets = ['meta_verify_token']\n\
               [[handshake]]\nkind = 'crc'\nquery = 'crc_token'\n[[events]]\nname = 'a'\nid = '{sha256}'\n";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("meta.toml"), hub).expect("a file");
    let providers = Providers::with_folder(folder.path()).expect("sound");
    let scene = Scene::new(Wishes { providers, ..Wishes::default() }).await;
    scene.secrets.set("meta_app_secret", "app");
    scene.secrets.set("meta_verify_token", "token");
    scene.secrets.set("slack_signing_secret", "a secret of the tests");
    scene.secrets.set("front_rules_webhook_secret", "a secret of the tests");

    let now = jiff::Timestamp::now().as_second();
    let body = br#"{"type":"url_verification","challenge":"3eZbrw"}"#;
    let slack = gateway::testing::signed("slack", body, now);
    assert_eq!(
        scene.post("slack", &slack.headers, body.to_vec()).await,
        (200, "3eZbrw".to_owned())
    );
    let mut wrong = slack.headers.clone();
    wrong[1].1 = format!("v0={}", "0".repeat(64));
    assert_eq!(scene.post("slack", &wrong, body.to_vec()).await.0, 401, "an answer is a proof too");

    let mut front = gateway::testing::signed("front", b"{ }", now);
    front.headers.push(("x-front-challenge", "abc".to_owned()));
    assert_eq!(scene.post("front", &front.headers, b"{ }".to_vec()).await, (200, "abc".to_owned()));

    let get = async |query: &str| {
        let response =
            reqwest::get(scene.url(&format!("/webhooks/meta{query}"))).await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("text"))
    };
    let right = "?hub.mode=subscribe&hub.verify_token=token&hub.challenge=42";
    assert_eq!(get(right).await, (200, "42".to_owned()));
    assert_eq!(get(&right.replace("=token", "=tokem")).await.0, 405);
    assert_eq!(get(&right.replace("subscribe", "x")).await.0, 405);
    // HMAC-SHA256 of `hello` with the key `app`, by another program.
    let crc = "e88641183b2128251fda9be5b5533d2ad873cab4d385067bf645afc51d75296e";
    let said = get("?crc_token=hello").await;
    assert_eq!(said, (200, format!(r#"{{"response_token":"sha256={crc}"}}"#)));
    assert_eq!(get("").await.0, 405);
    assert_eq!(scene.get("/webhooks").await["providers"].as_array().map(Vec::len), Some(11));
}

#[tokio::test]
async fn everybody_is_believed_only_where_the_file_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let open =
        "insecure_none = true\n[[events]]\nname = 'pinged'\nid = '{body.id}'\nall = 'body'\n";
    std::fs::write(folder.path().join("open.toml"), open).expect("a file");
    let providers = Providers::with_folder(folder.path()).expect("sound");
    assert!(Provider::parse("open", &open.replace("insecure_none = true", "")).is_err());
    let scene = Scene::new(Wishes { providers, ..Wishes::default() }).await;
    assert_eq!(scene.post("open", &[], r#"{"id":"1"}"#).await.0, 200);
    let events = scene.server.has(1).await;
    assert_eq!((&events[0]["name"], &events[0]["id"]), (&json!("open/pinged"), &json!("1")));
}
