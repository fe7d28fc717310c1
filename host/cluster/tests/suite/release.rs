//! The release that workers follow.

use cluster::release::{Known, Release, follow, publish};
use cluster::testing::ApiServer;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::until;

const PATH: &str = "/api/v1/namespaces/bus/configmaps/release";

fn release(components: &[&str]) -> Release {
    let components = components.iter().map(|&it| it.to_owned()).collect();
    Release { components, why: None }
}

fn of(known: &Known) -> Vec<&str> {
    let components = known.release.iter().flat_map(|release| &release.components);
    components.map(String::as_str).collect()
}

/// A watch that goes on in the background.
fn watching(client: kube::Client) -> (watch::Receiver<Known>, tokio_util::sync::DropGuard) {
    let (sender, known) = watch::channel(Known::default());
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move { follow(client, "bus", "release", sender, stopped).await });
    (known, stop.drop_guard())
}

#[tokio::test]
async fn what_is_published_is_followed_and_what_was_good_stays() {
    let server = ApiServer::start().await;
    let (mut known, _stop) = watching(server.client());
    let absent = until("it is absent", &mut known, |it| it.looked).await;
    assert!(absent.trouble.is_some_and(|it| it.contains("is not there")));
    let put = async |components: &[&str], manager, force| {
        let release = release(components);
        publish(server.client(), "bus", "release", &release, manager, force).await
    };
    put(&["a@1"], "publish", false).await.expect("published");
    let first = until("the first", &mut known, |it| of(it) == ["a@1"]).await;
    assert_eq!(first.trouble, None);
    put(&["a@2", "b@1"], "publish", false).await.expect("published");
    let second = until("the second", &mut known, |it| of(it) == ["a@2", "b@1"]).await;
    assert_ne!(first.version, second.version);

    // Somebody else's hands, once by mistake and once on purpose.
    let conflict = put(&["a@3"], "kubectl", false).await.expect_err("a conflict");
    let conflict = conflict.to_string();
    assert!(conflict.contains("publish") && conflict.contains(".data.components"), "{conflict}");
    put(&["a@3"], "kubectl", true).await.expect("published");
    until("the third", &mut known, |it| of(it) == ["a@3"]).await;

    // What says nothing that can be meant, and a map that is gone.
    server.put(PATH, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"component": "b"}}));
    let faulty = until("it is faulty", &mut known, |it| it.trouble.is_some()).await;
    assert!(faulty.trouble.as_deref().is_some_and(|it| it.contains("\"component\"")), "{faulty:?}");
    assert_eq!(of(&faulty), ["a@3"]);
    server.remove(PATH);
    let gone = |it: &Known| it.trouble.as_deref().is_some_and(|it| it.contains("is not there"));
    let gone = until("it is gone", &mut known, gone).await;
    assert_eq!(of(&gone), ["a@3"]);
    put(&["a@4"], "publish", false).await.expect("published");
    let back = until("it is back", &mut known, |it| of(it) == ["a@4"]).await;
    assert_eq!(back.trouble, None);
}

#[tokio::test]
async fn a_watch_outlives_whatever_becomes_of_its_server() {
    let mut server = ApiServer::start().await;
    let address = server.url().trim_start_matches("http://").parse().expect("an address");
    let put = async |server: &ApiServer, component: &str| {
        let wanted = release(&[component]);
        publish(server.client(), "bus", "release", &wanted, "publish", true)
            .await
            .expect("published");
    };
    put(&server, "a@1").await;
    let (mut known, _stop) = watching(server.client());
    until("the first", &mut known, |it| of(it) == ["a@1"]).await;
    // Cut off, while something changes.
    server.cut_watches();
    put(&server, "a@2").await;
    until("what changed meanwhile", &mut known, |it| of(it) == ["a@2"]).await;
    // What it knew is too old: 410, in the stream and at its beginning.
    server.forget_history();
    put(&server, "a@3").await;
    until("the third", &mut known, |it| of(it) == ["a@3"]).await;
    server.fail("GET", "configmaps", 410, "Expired", 1);
    server.cut_watches();
    put(&server, "a@4").await;
    until("the fourth", &mut known, |it| of(it) == ["a@4"]).await;
    // Away altogether: what is known stays, and the trouble is told.
    drop(server);
    let away = until("it is away", &mut known, |it| it.trouble.is_some()).await;
    assert_eq!(of(&away), ["a@4"]);
    server = loop {
        // The port is free once the last connection has ended.
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => {
                drop(listener);
                break ApiServer::start_at(address).await;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    put(&server, "a@5").await;
    let back = until("it is back", &mut known, |it| of(it) == ["a@5"]).await;
    assert_eq!(back.trouble, None);
}

#[tokio::test]
async fn a_token_that_has_run_out_is_told_and_what_was_known_stays() {
    let server = ApiServer::start().await;
    server.require_token("the first");
    let folder = std::env::temp_dir().join(format!("system-bus-token-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("token");
    std::fs::write(&file, "the first").expect("written");
    let mut config = kube::Config::new(server.url().parse().expect("a URL"));
    config.auth_info.token_file = Some(file.to_string_lossy().into_owned());
    let client = kube::Client::try_from(config).expect("a client");
    let wanted = release(&["a@1"]);
    publish(client.clone(), "bus", "release", &wanted, "publish", false).await.expect("published");
    let (mut known, _stop) = watching(client.clone());
    until("the first", &mut known, |it| of(it) == ["a@1"]).await;
    // The kubelet writes the new one before the old one ends.
    std::fs::write(&file, "the second").expect("written");
    server.require_token("the second");
    server.cut_watches();
    let refused = until("it is refused", &mut known, |it| it.trouble.is_some()).await;
    assert!(
        refused.trouble.as_deref().is_some_and(|it| it.contains("Unauthorized")),
        "{refused:?}"
    );
    assert_eq!(of(&refused), ["a@1"]);
    std::fs::remove_dir_all(&folder).expect("removed");
}
