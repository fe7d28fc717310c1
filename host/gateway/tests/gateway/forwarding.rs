//! From the spool to the server.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::scene::{Mood, Scene, Server, Wishes, run};

async fn send(scene: &Scene, ids: impl IntoIterator<Item = u64>) {
    for id in ids {
        let (headers, body) = run(id, json!("success"));
        assert_eq!(scene.post("github", &headers, body).await.0, 200, "{id}");
    }
}

/// Waits until the state of the gateway says something.
async fn until(scene: &Scene, what: &str, is: impl Fn(&serde_json::Value) -> bool) {
    for _ in 0..1000 {
        if is(&scene.get("/api/webhooks").await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {what}: {}", scene.get("/api/webhooks").await["spool"]);
}

#[tokio::test]
async fn while_the_server_takes_nothing_deliveries_are_kept_and_then_sent_in_their_order() {
    let scene = Scene::new(Wishes::default()).await;
    for mood in [Mood::Ill(503), Mood::Ill(401), Mood::Ill(429)] {
        scene.server.be(mood);
        let before = scene.server.events().len() as u64;
        send(&scene, before..before + 3).await;
        until(&scene, "held", |state| state["spool"]["held"].is_string()).await;
        assert_eq!(scene.get("/api/webhooks").await["spool"]["events"], json!(3));
        scene.server.be(Mood::Well);
        scene.server.has(usize::try_from(before).expect("few") + 3).await;
        until(&scene, "empty", |state| {
            state["spool"]["events"] == 0 && state["spool"]["held"].is_null()
        })
        .await;
    }
    let ids: Vec<_> =
        scene.server.events().iter().map(|event| event["data"]["runId"].clone()).collect();
    assert_eq!(ids, (0..9).map(|id| json!(id)).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_came_one_by_one_goes_together() {
    let scene = Scene::new(Wishes::default()).await;
    scene.server.be(Mood::Ill(503));
    // One after another: each is a write of its own.
    send(&scene, 0..60).await;
    until(&scene, "held", |state| state["spool"]["held"].is_string()).await;
    let before = scene.server.requests().len();
    scene.server.be(Mood::Well);
    scene.server.has(60).await;
    let requests = scene.server.requests().split_off(before).len();
    assert!(requests <= 30, "{requests} requests for 60 events");
}

#[tokio::test]
async fn what_was_accepted_outlives_the_gateway_and_is_one_event() {
    let scene = Scene::new(Wishes::default()).await;
    // The server takes them, and the gateway never hears of it.
    scene.server.be(Mood::Forgetful);
    send(&scene, 0..20).await;
    // It goes on asking with the first of them.
    scene.server.has(1).await;
    let scene = scene.again(Wishes::default()).await;
    assert_eq!(scene.get("/api/webhooks").await["spool"]["events"], json!(20));
    scene.server.be(Mood::Well);
    send(&scene, 18..25).await;
    until(&scene, "empty", |state| state["spool"]["events"] == 0).await;
    let ids: Vec<_> =
        scene.server.events().iter().map(|event| event["data"]["runId"].clone()).collect();
    assert_eq!(ids, (0..25).map(|id| json!(id)).collect::<Vec<_>>(), "each once, in its order");
    assert_eq!(scene.verdict("github", "repeat").await, 2);
}

#[tokio::test]
async fn poison_goes_to_the_dead_letters_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = "insecure_none = true\n[[events]]\nname = 'sent'\nid = '{body.id}'\nall = 'body'\n";
    std::fs::write(folder.path().join("open.toml"), open).expect("a file");
    let providers = gateway::Providers::with_folder(folder.path()).expect("sound");
    let scene = Scene::new(Wishes { providers, ..Wishes::default() }).await;
    scene.server.be(Mood::Ill(503));
    let posts = (0..10).map(|id| {
        let body =
            json!({"id": format!("{id}"), "poison": id == 0 || id == 4 || id == 9}).to_string();
        scene.post("open", &[], body)
    });
    for post in posts {
        assert_eq!(post.await.0, 200);
    }
    scene.server.be(Mood::Well);
    let events = scene.server.has(7).await;
    until(&scene, "empty", |state| state["spool"]["events"] == 0).await;
    let ids: Vec<_> = events.iter().map(|event| event["id"].as_str().unwrap_or_default()).collect();
    assert_eq!(ids, ["1", "2", "3", "5", "6", "7", "8"]);
    let letters =
        scene.get("/api/webhooks/dead").await["letters"].as_array().cloned().unwrap_or_default();
    let dead: Vec<_> =
        letters.iter().map(|letter| letter["id"].as_str().unwrap_or_default()).collect();
    assert_eq!(dead, ["0", "4", "9"]);
    assert!(
        letters[0]["why"].as_str().is_some_and(|why| why.contains("it is poison")),
        "{letters:?}"
    );

    // Somebody has mended what was wrong: here the letter itself.
    let name = letters[1]["letter"].as_str().expect("a name");
    let path = scene.folder.path().join(format!("spool/dead/{name}.json"));
    let text = std::fs::read_to_string(&path)
        .expect("a letter")
        .replace(r#""poison":true"#, r#""poison":false"#);
    std::fs::write(&path, text).expect("mended");
    let replay = async |name: &str| {
        let url = scene.url(&format!("/api/webhooks/dead/{name}/replay"));
        reqwest::Client::new().post(url).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(replay(name).await, 200);
    assert_eq!(scene.server.has(8).await[7]["id"], json!("4"));
    assert_eq!(replay(name).await, 404, "it is gone");
    // What is poison still, is a letter again.
    assert_eq!(replay(letters[0]["letter"].as_str().expect("a name")).await, 200);
    until(&scene, "dead again", |state| state["spool"]["events"] == 0).await;
    let letters = scene.get("/api/webhooks/dead").await;
    assert_eq!(letters["letters"].as_array().map(Vec::len), Some(2), "{letters}");
}

#[tokio::test]
async fn what_waited_too_long_is_not_sent_as_if_it_were_new() {
    let scene = Scene::new(Wishes { age: Duration::from_millis(50), ..Wishes::default() }).await;
    scene.server.be(Mood::Ill(500));
    send(&scene, 0..1).await;
    until(&scene, "dead", |state| state["spool"]["events"] == 0).await;
    let letters = scene.get("/api/webhooks/dead").await;
    assert!(
        letters["letters"][0]["why"].as_str().is_some_and(|why| why.contains("too long")),
        "{letters}"
    );
    assert_eq!(scene.server.events().len(), 0);
}

#[tokio::test]
async fn a_full_spool_sends_senders_away_and_keeps_what_it_has() {
    let scene = Scene::new(Wishes { bytes: 4000, ..Wishes::default() }).await;
    assert_eq!(scene.status("/readyz").await, 200);
    scene.server.be(Mood::Ill(503));
    let mut told = Vec::new();
    for id in 0..20 {
        let (headers, body) = run(id, json!("success"));
        told.push(scene.post("github", &headers, body).await.0);
    }
    let kept = told.iter().filter(|status| **status == 200).count();
    assert!(kept > 0 && told.iter().skip(kept).all(|status| *status == 503), "{told:?}");
    assert_eq!(scene.status("/readyz").await, 503, "another gateway may have room");
    assert_eq!(scene.status("/livez").await, 200);
    scene.server.be(Mood::Well);
    assert_eq!(scene.server.has(kept).await.len(), kept);
    until(&scene, "empty", |state| state["spool"]["events"] == 0).await;
    assert_eq!(scene.status("/readyz").await, 200);
    send(&scene, 30..31).await;
}

#[tokio::test]
async fn many_go_together_and_the_figures_tell() {
    let scene = Arc::new(Scene::new(Wishes::default()).await);
    scene.server.be(Mood::Ill(503));
    let posts = (0..200).map(|id| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move { send(&scene, id..=id).await })
    });
    for post in posts.collect::<Vec<_>>() {
        post.await.expect("kept");
    }
    let before = scene.server.requests().len();
    scene.server.be(Mood::Well);
    scene.server.has(200).await;
    let after = &scene.server.requests()[before..];
    assert!(after.len() < 200, "{} requests for 200 events", after.len());
    until(&scene, "empty", |state| state["spool"]["events"] == 0).await;
    let metrics = scene.figures();
    for line in [
        "system_bus_webhook_deliveries_total{provider=\"github\",verdict=\"accepted\"} 200",
        "system_bus_webhook_forwarding_seconds_count{provider=\"github\"} 200",
        "system_bus_webhook_spool_events 0",
        "system_bus_webhook_spool_held 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for() {
    let gone = Server::start().await;
    let address = gone.address;
    drop(gone);
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let mut server = Server::start().await;
    server.address = address;
    let scene = Scene::in_folder(Wishes::default(), folder, server).await;
    send(&scene, 0..2).await;
    until(&scene, "held", |state| {
        state["spool"]["held"].as_str().is_some_and(|why| why.contains("cannot be reached"))
    })
    .await;
    assert_eq!(scene.get("/api/webhooks").await["spool"]["events"], json!(2));
}
