//! A registry that can be pushed to, on loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use protocol::digest::Digest;

/// By path: manifests by tag and by digest, and blobs.
type Content = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    content: Content,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let content = Content::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&content));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, content }
    }

    /// Puts an image there, as a builder's push does; answers with its digest.
    pub(crate) fn put(&self, repository: &str, tag: &str, manifest: &str) -> String {
        let digest = digest(manifest.as_bytes());
        let mut content = self.content.lock().expect("a lock");
        for reference in [tag, &digest] {
            let path = format!("/v2/{repository}/manifests/{reference}");
            content.insert(path, manifest.as_bytes().to_vec());
        }
        digest
    }

    /// What lies at a path.
    pub(crate) fn at(&self, path: &str) -> Option<Vec<u8>> {
        self.content.lock().expect("a lock").get(path).cloned()
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", Digest::of(bytes))
}

async fn answer(
    State(content): State<Content>,
    method: Method,
    uri: Uri,
    _headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let mut content = content.lock().expect("a lock");
    match method {
        Method::GET | Method::HEAD if path == "/v2/" => StatusCode::OK.into_response(),
        Method::GET | Method::HEAD => match content.get(&path) {
            Some(bytes) => {
                let kind = "application/vnd.oci.image.manifest.v1+json".to_owned();
                let told = [("docker-content-digest", digest(bytes)), ("content-type", kind)];
                (told, bytes.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        // An upload begins, goes on, and ends with the digest of all of it.
        Method::POST => {
            content.insert(format!("{path}one"), Vec::new());
            (StatusCode::ACCEPTED, [(header::LOCATION, format!("{path}one"))]).into_response()
        }
        Method::PATCH => {
            content.entry(path.clone()).or_default().extend_from_slice(&body);
            (StatusCode::ACCEPTED, [(header::LOCATION, path)]).into_response()
        }
        Method::PUT if path.contains("/blobs/uploads/") => {
            let mut bytes = content.remove(&path).unwrap_or_default();
            bytes.extend_from_slice(&body);
            let (blobs, _) = path.split_once("uploads/").expect("a path of blobs");
            let place = format!("{blobs}{}", digest(&bytes));
            content.insert(place.clone(), bytes);
            (StatusCode::CREATED, [(header::LOCATION, place)]).into_response()
        }
        Method::PUT => {
            let (place, _) = path.rsplit_once('/').expect("a path");
            let by_digest = format!("{place}/{}", digest(&body));
            content.insert(by_digest.clone(), body.to_vec());
            content.insert(path, body.to_vec());
            (StatusCode::CREATED, [(header::LOCATION, by_digest)]).into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
