//! The stand-in itself: what the other tests believe of it.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use cluster::testing::{ApiServer, Fate};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Error};
use serde_json::{Value, json};

fn code<T>(result: Result<T, Error>) -> u16 {
    match result {
        Err(Error::Api(status)) => status.code,
        Err(error) => panic!("{error}"),
        Ok(_) => 200,
    }
}

fn map(name: &str, data: &Value) -> ConfigMap {
    let map = json!({"metadata": {"name": name, "labels": {"of": "a test"}}, "data": data});
    serde_json::from_value(map).expect("a map")
}

#[tokio::test]
async fn objects_are_made_once_and_replaced_by_whoever_knows_them() {
    let server = ApiServer::start().await;
    let maps: Api<ConfigMap> = Api::namespaced(server.client(), "a");
    let made = maps.create(&PostParams::default(), &map("m", &json!({"a": "1"}))).await;
    let made = made.expect("made");
    assert_eq!(code(maps.create(&PostParams::default(), &map("m", &json!({}))).await), 409);
    assert_eq!(code(maps.get("n").await), 404);
    let mut newer = made.clone();
    newer.data = map("m", &json!({"a": "2"})).data;
    let replaced = maps.replace("m", &PostParams::default(), &newer).await.expect("replaced");
    assert_ne!(made.metadata.resource_version, replaced.metadata.resource_version);
    assert_eq!(made.metadata.uid, replaced.metadata.uid);
    assert_eq!(code(maps.replace("m", &PostParams::default(), &newer).await), 409);
    let patch = Patch::Merge(json!({"data": {"a": null, "b": "3"}}));
    let patched = maps.patch("m", &PatchParams::default(), &patch).await.expect("patched");
    assert_eq!(patched.data, map("m", &json!({"b": "3"})).data);
    let by = |labels: &str| ListParams::default().labels(labels);
    assert_eq!(maps.list(&by("of=a test")).await.expect("a list").items.len(), 1);
    assert_eq!(maps.list(&by("of=another")).await.expect("a list").items.len(), 0);
    let elsewhere: Api<ConfigMap> = Api::namespaced(server.client(), "b");
    assert_eq!(elsewhere.list(&ListParams::default()).await.expect("a list").items.len(), 0);
    maps.delete("m", &kube::api::DeleteParams::default()).await.expect("deleted");
    assert_eq!(code(maps.get("m").await), 404);
    let asked: Vec<_> = server.asked().into_iter().map(|it| it.method).collect();
    assert_eq!(asked.first().map(String::as_str), Some("POST"));
}

#[tokio::test]
async fn a_watch_tells_each_change_and_says_when_it_cannot() {
    let server = ApiServer::start().await;
    let maps: Api<ConfigMap> = Api::namespaced(server.client(), "a");
    let path = |name: &str| format!("/api/v1/namespaces/a/configmaps/{name}");
    server.put(&path("m"), json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}));
    let seen = maps.watch(&WatchParams::default(), "0").await.expect("a watch");
    futures::pin_mut!(seen);
    let mut next = async || match seen.next().await {
        Some(Ok(WatchEvent::Added(_))) => "added",
        Some(Ok(WatchEvent::Modified(_))) => "modified",
        Some(Ok(WatchEvent::Deleted(_))) => "deleted",
        other => panic!("{other:?}"),
    };
    assert_eq!(next().await, "added");
    server.put(
        &path("m"),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"a": "1"}}),
    );
    assert_eq!(next().await, "modified");
    server.remove(&path("m"));
    assert_eq!(next().await, "deleted");
    server.cut_watches();
    assert!(seen.next().await.is_none());
    server.forget_history();
    let old = maps.watch(&WatchParams::default(), "1").await;
    let old: Result<Vec<_>, _> = match old {
        Ok(stream) => stream.try_collect().await,
        Err(error) => Err(error),
    };
    assert_eq!(code(old), 410);
    server.require_token("secret");
    assert_eq!(code(maps.get("m").await), 401);
}

/// A pod's own answers.
async fn pod() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/readyz", get(async || "ready"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn a_deployment_brings_new_pods_up_before_the_old_ones_go() {
    let server = ApiServer::start().await;
    let address = pod().await;
    server.roll(move |_name: String, template: Value| async move {
        let image = template["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
        if image.ends_with(":bad") {
            Fate::Never("ImagePullBackOff".to_owned())
        } else {
            Fate::Ready(address)
        }
    });
    let deployments: Api<Deployment> = Api::namespaced(server.client(), "a");
    let pods: Api<Pod> = Api::namespaced(server.client(), "a");
    let apply = async |tag: &str| {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"of": "w"}}, "template": {
                "metadata": {"labels": {"of": "w"}},
                "spec": {"containers": [{"name": "worker", "image": format!("bus:{tag}")}]}}}
        });
        let params = PatchParams::apply("test");
        deployments.patch("w", &params, &Patch::Apply(object)).await.expect("applied");
    };
    let until = async |reason: &str| {
        loop {
            let status =
                deployments.get("w").await.expect("it is there").status.unwrap_or_default();
            let conditions = status.conditions.unwrap_or_default();
            if conditions.iter().any(|it| it.reason.as_deref() == Some(reason)) {
                break;
            }
            tokio::task::yield_now().await;
        }
        let list = pods.list(&ListParams::default().labels("of=w")).await.expect("a list");
        let image = |pod: Pod| pod.spec.and_then(|it| it.containers[0].image.clone());
        list.items.into_iter().filter_map(image).collect::<Vec<_>>()
    };
    apply("one").await;
    assert_eq!(until("NewReplicaSetAvailable").await, ["bus:one", "bus:one"]);
    apply("bad").await;
    let mut images = until("ProgressDeadlineExceeded").await;
    images.sort();
    assert_eq!(images, ["bus:bad", "bus:one", "bus:one"]);
    apply("one").await;
    assert_eq!(until("NewReplicaSetAvailable").await, ["bus:one", "bus:one"]);
    let name =
        pods.list(&ListParams::default()).await.expect("a list").items[0].metadata.name.clone();
    let name = name.expect("a name");
    let path = format!("/api/v1/namespaces/a/pods/{name}:3111/proxy/readyz");
    let request = axum::http::Request::get(path).body(Vec::new()).expect("a request");
    let said = server.client().request_text(request).await.expect("an answer");
    assert_eq!(said, "ready");
}
