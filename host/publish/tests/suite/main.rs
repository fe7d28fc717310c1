//! `publish` as its users run it: against a stand-in of the API server, a registry, and programs that note how they were called.

mod components;
mod image;
mod registry;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use axum::routing::get;
use axum::{Json, Router};
use cluster::testing::{ApiServer, Fate};
use serde_json::{Value, json};

use self::registry::Registry;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/system-bus/deployments/system-bus-worker";
const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "a-token-of-the-tests";

/// A cluster with workers, a registry, and a folder of programs.
struct Site {
    api: ApiServer,
    registry: Registry,
    folder: tempfile::TempDir,
    /// What all pods say of themselves.
    health: Arc<Mutex<Value>>,
}

/// A pod's own answers.
async fn pod(health: Arc<Mutex<Value>>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let said = get(async move || Json(health.lock().expect("a lock").clone()));
    let router = Router::new().route("/readyz", get(async || "{}")).route("/", said);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A program that notes its words, and what it reads, and does `then`.
fn program(folder: &Path, name: &str, then: &str) {
    let path = folder.join("bin").join(name);
    let text = format!(
        "#!/bin/sh\necho \"{name} $*\" >> \"$STANDIN/calls\"\n[ -n \"$DOCKER_CONFIG\" ] && echo \"$DOCKER_CONFIG\" >> \"$STANDIN/configs\"\n{then}\n"
    );
    std::fs::write(&path, text).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("executable");
}

fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "system-bus-worker", "namespace": "system-bus"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"of": "workers"}}, "template": {
            "metadata": {"labels": {"of": "workers"}},
            "spec": {"containers": [{"name": "worker", "image": image}]}}}
    })
}

impl Site {
    /// Two workers run the image `old`.
    async fn start() -> Self {
        let (api, registry) = (ApiServer::start().await, Registry::start().await);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("bin")).expect("a folder");
        let at = folder.path();
        std::fs::write(at.join("kubeconfig"), api.kubeconfig("system-bus", None)).expect("written");
        program(at, "docker", "case $1 in login) cat >> \"$STANDIN/read\";; esac");
        program(at, "gh", &format!("case $1 in auth) echo {TOKEN};; *) echo somebody;; esac"));
        program(at, "git", &format!("case $1 in rev-parse) echo {REVISION};; esac"));
        program(at, "kubectl", "cat \"$STANDIN/rendered\"");
        let health = Arc::new(Mutex::new(json!({"revision": REVISION, "generation": 7})));
        let site = Self { api, registry, folder, health };
        let rendered = [
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "system-bus"}, "data": {"a": "1"}}),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "system-bus"}}),
            deployment(&site.image("base")),
        ];
        // JSON is YAML.
        let rendered = rendered.map(|object| format!("---\n{object}\n")).concat();
        std::fs::write(site.folder.path().join("rendered"), rendered).expect("written");
        site.api.put(DEPLOYMENT, deployment(&site.image("old")));
        site
    }

    fn image(&self, tag: &str) -> String {
        format!("{}/team/bus:{tag}", self.registry.address)
    }

    /// Pods of these images never get ready.
    async fn rolls(&self, never: &'static [&'static str]) {
        let address = pod(Arc::clone(&self.health)).await;
        self.api.roll(move |_name: String, template: Value| async move {
            let image = template["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            if never.iter().any(|tag| image.contains(&format!(":{tag}"))) {
                Fate::Never("ImagePullBackOff".to_owned())
            } else {
                Fate::Ready(address)
            }
        });
        while self.api.object(DEPLOYMENT).expect("it is there")["status"]["updatedReplicas"] != 2 {
            tokio::task::yield_now().await;
        }
    }

    async fn publish(&self, words: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let at = self.folder.path();
        tokio::process::Command::new(env!("CARGO_BIN_EXE_publish"))
            .args(words)
            .current_dir(at)
            .env("PATH", format!("{}:{path}", at.join("bin").display()))
            .env("STANDIN", at)
            .env("TMPDIR", at)
            .env("HOME", at)
            .env("KUBECONFIG", at.join("kubeconfig"))
            .env("GHCR_TOKEN", TOKEN)
            .env_remove("REGISTRY_TOKEN")
            .env_remove("REGISTRY_USER")
            .output()
            .await
            .expect("it runs")
    }

    /// The lines of a file that programs wrote.
    fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The image that workers are to have.
    fn wanted(&self) -> String {
        let deployment = self.api.object(DEPLOYMENT).expect("it is there");
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        image.as_str().expect("an image").to_owned()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ends by itself")
}

fn said(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {output:?}"))
}
