//! GitHub: git's own server behind a door that wants a token.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, Uri};
use tokio::io::AsyncWriteExt;

use crate::flows::git::Git;

/// What the door wants to see.
pub(super) const TOKEN: &str = "ghs_drill0a1b2c3d4e5f";

/// GitHub.
pub(super) struct GitHub {
    origin: String,
    repositories: PathBuf,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl GitHub {
    /// On a free port of the loopback; its repositories are here.
    pub(super) fn start(git: &Git, repositories: &Path) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let asked: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (kept, git, folder) = (Arc::clone(&asked), git.clone(), repositories.to_owned());
        let router = Router::new().fallback(
            async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let leave = headers.get("authorization").and_then(|it| it.to_str().ok());
                let leave = leave.unwrap_or_default().to_owned();
                kept.lock().expect("nobody panics").push((uri.to_string(), leave.clone()));
                if leave != expected() {
                    let door = Response::builder().status(401);
                    let door = door.header("www-authenticate", "Basic realm=\"GitHub\"");
                    return door.body(Body::empty()).expect("an answer");
                }
                serve(&git, &folder, &method, &uri, &headers, &body).await
            },
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, repositories: repositories.to_owned(), asked }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// A repository that can be pushed to.
    pub(super) fn repository(&self, git: &Git, name: &str) -> PathBuf {
        let path = self.repositories.join(name);
        git.bare(&path);
        git.says(&path, &["config", "http.receivepack", "true"]);
        path
    }

    /// The authorizations of all requests for this repository.
    pub(super) fn leaves(&self, name: &str) -> Vec<String> {
        let asked = self.asked.lock().expect("nobody panics");
        let own = asked.iter().filter(|(uri, _)| uri.contains(name));
        own.map(|(_, leave)| leave.clone()).collect()
    }
}

/// The header of whoever has the token.
pub(super) fn expected() -> String {
    let request = reqwest::Client::new().get("http://127.0.0.1/");
    let request = request.basic_auth("x-access-token", Some(TOKEN)).build().expect("a request");
    request.headers()["authorization"].to_str().expect("text").to_owned()
}

/// Has git answer, as web servers ask it to.
async fn serve(
    git: &Git,
    folder: &Path,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Body> {
    let mut command = tokio::process::Command::from(git.command(folder));
    command.arg("http-backend").env("GIT_PROJECT_ROOT", folder).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("REQUEST_METHOD", method.as_str()).env("PATH_INFO", uri.path());
    command.env("QUERY_STRING", uri.query().unwrap_or_default()).env("REMOTE_USER", "drill");
    command.env("CONTENT_LENGTH", body.len().to_string());
    let passed = [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "HTTP_GIT_PROTOCOL"),
    ];
    for (name, variable) in passed {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            command.env(variable, value);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("git runs");
    let mut input = child.stdin.take().expect("its input");
    let (given, output) = tokio::join!(
        async {
            let given = input.write_all(body).await;
            drop(input);
            given
        },
        child.wait_with_output()
    );
    // What it does not read it does not need.
    drop(given);
    let output = output.expect("its output").stdout;
    let end = output.windows(4).position(|part| part == b"\r\n\r\n").expect("headers");
    let mut answer = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").expect("a header");
        answer = match name {
            "Status" => answer.status(value[..3].parse::<u16>().expect("a status")),
            _ => answer.header(name, value),
        };
    }
    answer.body(Body::from(output[end + 4..].to_vec())).expect("an answer")
}
