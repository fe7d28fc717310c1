//! Workers of one cluster: they follow one release, and one of them registers.

use std::net::SocketAddr;

use cluster::release::{Release, publish};
use cluster::testing::ApiServer;
use serde_json::{Value, json};

use crate::shelf::Shelf;
use crate::{Process, Server, eventually, free_address, turn};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/bus/leases/registers";

/// What a worker with this guest loads.
fn bytes(guest: &str) -> Vec<u8> {
    std::fs::read(guest).expect("a component")
}

/// A worker of the cluster.
fn worker(server: &Server, folder: &std::path::Path, listen: SocketAddr) -> Process {
    let (versions, config) = (folder.join("versions"), folder.join("kubeconfig"));
    let (listen, versions) = (listen.to_string(), versions.to_string_lossy());
    let own = tempfile::tempdir_in(folder).expect("a folder").keep();
    let cache = own.join("cache");
    let cache = cache.to_string_lossy();
    let args = [
        &["worker", "--listen", &listen, "--role", "cluster", "--app", "end-to-end"][..],
        &["--allow-http", "http://127.0.0.1:*", "--versions", &versions, "--cache", &cache],
        &["--release", "release", "--lease", "registers"],
    ];
    let config = config.to_string_lossy();
    let environment = server.environment();
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("KUBECONFIG", &*config)])
        .collect();
    Process::start(&args.concat(), &environment)
}

async fn ask(worker: SocketAddr, path: &str) -> Value {
    let answer = reqwest::get(format!("http://{worker}{path}")).await.expect("an answer");
    answer.json().await.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_of_a_cluster_follow_one_release_and_one_of_them_registers() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let (api, shelf) = (ApiServer::start().await, Shelf::start().await);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("kubeconfig"), api.kubeconfig("bus", None)).expect("written");
    let put = |name: &str, guest: &str| {
        let repository = format!("functions/{name}");
        let digest = shelf.push(&repository, "stable", &bytes(guest));
        format!("{}/{repository}@{digest}", shelf.address)
    };
    let release = async |components: &[&String]| {
        let components = components.iter().map(|&it| it.clone()).collect();
        let release = Release { components, why: None };
        publish(api.client(), "bus", "release", &release, "test", false).await.expect("published");
    };
    let steps = put("steps", guests::STEPS);
    release(&[&steps]).await;
    let one = worker(&server, folder.path(), free_address());
    let two = worker(&server, folder.path(), free_address());
    let addresses = [one.address, two.address];
    for address in addresses {
        server.registered(address).await;
    }
    let event = server.send("testing/five.requested", &json!({})).await;
    assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));

    // One change of one map reaches all of them, and all serve the same generation.
    let telemetry = put("telemetry", guests::USES_TELEMETRY);
    release(&[&steps, &telemetry]).await;
    let generations = eventually("all serve the release", async || {
        let mut found = Vec::new();
        for address in addresses {
            let ready = ask(address, "/readyz").await;
            let functions = ask(address, "/api/functions").await.to_string();
            if ready["ready"] != true || !functions.contains("\"telemetry\"") {
                return None;
            }
            found.push(ready["generation"].as_u64()?);
        }
        Some(found)
    })
    .await;
    assert_eq!(generations[0], generations[1]);

    // A release that cannot be meant changes nothing.
    let path = "/api/v1/namespaces/bus/configmaps/release";
    let mut map = api.object(path).expect("it is there");
    map["data"] = json!({"components": "what is this"});
    api.put(path, map);
    let event = server.send("testing/five.requested", &json!({})).await;
    assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));

    // The one that registers goes: the other one takes the lease, and registers itself in its place.
    let holder = || {
        let lease = api.object(LEASE).expect("there is a lease");
        lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    };
    let first = holder();
    let leads = |worker: &Process| first.ends_with(&format!("-{}", worker.id()));
    assert!(leads(&one) != leads(&two), "{first}");
    let (mut leader, other) = if leads(&one) { (one, two) } else { (two, one) };
    leader.ask_to_stop();
    assert!(leader.ended().await.success());
    eventually("the other one has the lease", async || {
        holder().ends_with(&format!("-{}", other.id())).then_some(())
    })
    .await;
    let event = server.send("testing/five.requested", &json!({})).await;
    assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));
}
