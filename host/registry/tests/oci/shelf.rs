//! A small OCI registry on loopback: enough of the distribution protocol to pull from, and a say in how it misbehaves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::digest::Digest;
use serde_json::json;
use tokio::task::JoinHandle;

/// The registry. Ends with its value.
pub(crate) struct Shelf {
    pub(crate) address: SocketAddr,
    content: Arc<Mutex<Content>>,
    task: JoinHandle<()>,
}

/// What it has, and how it behaves.
#[derive(Default)]
pub(crate) struct Content {
    /// By `repository:tag` and `repository@digest`.
    manifests: BTreeMap<String, Vec<u8>>,
    /// By `repository@digest`.
    blobs: BTreeMap<String, Vec<u8>>,
    /// Everything is answered with this.
    pub(crate) broken: Option<StatusCode>,
    /// Every answer takes this long.
    pub(crate) slow: Option<Duration>,
    /// Who may come in, as name and password, and the token that they get for it.
    pub(crate) login: Option<(String, String, String)>,
    /// The method and path of every request.
    pub(crate) asked: Vec<String>,
}

impl Shelf {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, Arc::default())
    }

    fn on(listener: tokio::net::TcpListener, content: Arc<Mutex<Content>>) -> Self {
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state((content.clone(), address));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("serving") });
        Self { address, content, task }
    }

    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no panic")
    }

    /// A component under a tag, as `wkg oci push` writes it.
    pub(crate) fn push(&self, repository: &str, tag: &str, bytes: &[u8]) -> String {
        self.push_as(repository, tag, bytes, "application/wasm")
    }

    /// The same with a layer of another type. Answers with the manifest's digest.
    pub(crate) fn push_as(
        &self,
        repository: &str,
        tag: &str,
        bytes: &[u8],
        media_type: &str,
    ) -> String {
        let layer = format!("sha256:{}", Digest::of(bytes));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.wasm.config.v0+json",
                "digest": format!("sha256:{}", Digest::of(b"{}")),
                "size": 2,
            },
            "layers": [{"mediaType": media_type, "digest": layer, "size": bytes.len()}],
        });
        self.content().blobs.insert(format!("{repository}@{layer}"), bytes.to_vec());
        self.push_manifest(repository, tag, &manifest)
    }

    /// Any manifest under a tag.
    pub(crate) fn push_manifest(
        &self,
        repository: &str,
        tag: &str,
        manifest: &serde_json::Value,
    ) -> String {
        let bytes = serde_json::to_vec(manifest).expect("JSON");
        let digest = format!("sha256:{}", Digest::of(&bytes));
        let mut content = self.content();
        content.manifests.insert(format!("{repository}@{digest}"), bytes.clone());
        content.manifests.insert(format!("{repository}:{tag}"), bytes);
        digest
    }

    /// Other bytes under the digest of a component.
    pub(crate) fn spoil(&self, repository: &str, bytes: &[u8], others: &[u8]) {
        let blob = format!("{repository}@sha256:{}", Digest::of(bytes));
        self.content().blobs.insert(blob, others.to_vec());
    }

    /// How often a path was asked for that has this in it.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.content().asked.iter().filter(|asked| asked.contains(part)).count()
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Shared = (Arc<Mutex<Content>>, SocketAddr);

async fn answer(State((content, address)): State<Shared>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let slow = {
        let mut content = content.lock().expect("no panic");
        content.asked.push(format!("{} {path}", request.method()));
        content.slow
    };
    if let Some(slow) = slow {
        tokio::time::sleep(slow).await;
    }
    let content = content.lock().expect("no panic");
    if let Some(status) = content.broken {
        return status.into_response();
    }
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.map(|value| value.to_str().expect("a text"));
    if let Some((user, password, token)) = &content.login {
        if path == "/token" {
            let basic = base64(format!("{user}:{password}").as_bytes());
            return if authorization == Some(&format!("Basic {basic}")) {
                axum::Json(json!({"token": token})).into_response()
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            };
        }
        if authorization != Some(&format!("Bearer {token}")) {
            let challenge = format!(r#"Bearer realm="http://{address}/token",service="shelf""#);
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)])
                .into_response();
        }
    }
    if path == "/v2/" {
        return StatusCode::OK.into_response();
    }
    let rest = path.strip_prefix("/v2/").unwrap_or_default();
    if let Some((repository, reference)) = rest.split_once("/manifests/") {
        let separator = if reference.starts_with("sha256:") { '@' } else { ':' };
        let found = content.manifests.get(&format!("{repository}{separator}{reference}"));
        return found.map_or_else(
            || unknown("MANIFEST_UNKNOWN"),
            |bytes| {
                let digest = format!("sha256:{}", Digest::of(bytes));
                let body = if request.method() == Method::HEAD { &[][..] } else { bytes };
                ([("docker-content-digest", digest)], Body::from(body.to_vec())).into_response()
            },
        );
    }
    if let Some((repository, digest)) = rest.split_once("/blobs/") {
        let found = content.blobs.get(&format!("{repository}@{digest}"));
        return found
            .map_or_else(|| unknown("BLOB_UNKNOWN"), |bytes| bytes.clone().into_response());
    }
    StatusCode::NOT_FOUND.into_response()
}

fn unknown(code: &str) -> Response {
    let body = json!({"errors": [{"code": code, "message": "there is none", "detail": null}]});
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
