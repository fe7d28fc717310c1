//! What a pod says of itself, asked through the API server: nothing of it has to be reachable from here.

use anyhow::{Context, bail};
use http::Request;
use kube::Client;
use serde::Deserialize;

/// What `GET /` of a worker tells, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Health {
    pub(crate) revision: Option<String>,
    pub(crate) generation: u64,
    #[serde(default)]
    pub(crate) components: Vec<Component>,
    #[serde(default)]
    pub(crate) refused: Vec<String>,
}

/// A component that serves.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) digest: String,
}

/// The path of a pod's own path, at the API server.
pub(crate) fn path(namespace: &str, pod: &str, port: u16, path: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}")
}

async fn get(client: &Client, path: &str) -> anyhow::Result<String> {
    let request = Request::get(path).body(Vec::new()).context("a request")?;
    client.request_text(request).await.with_context(|| format!("GET {path}"))
}

/// What a worker says of itself.
pub(crate) async fn health(
    client: &Client,
    namespace: &str,
    pod: &str,
    port: u16,
) -> anyhow::Result<Health> {
    let text = get(client, &path(namespace, pod, port, "/")).await?;
    serde_json::from_str(&text).with_context(|| format!("the pod {pod} is no worker: {text}"))
}

/// Makes sure that a worker is ready, and of the revision that is meant.
pub(crate) async fn check(
    client: &Client,
    namespace: &str,
    pod: &str,
    port: u16,
    revision: Option<&str>,
) -> anyhow::Result<Health> {
    get(client, &path(namespace, pod, port, "/readyz"))
        .await
        .with_context(|| format!("the pod {pod} is not ready"))?;
    let health = health(client, namespace, pod, port).await?;
    if let Some(revision) = revision
        && health.revision.as_deref() != Some(revision)
    {
        let runs = health.revision.as_deref().unwrap_or("none that it knows");
        bail!("the pod {pod} runs the revision {runs}, and {revision} was built");
    }
    Ok(health)
}
