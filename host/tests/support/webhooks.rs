//! Deliveries of webhooks, and workers that take them.

use std::net::SocketAddr;

use gateway::testing::signed;
use serde_json::Value;
use tempfile::TempDir;

use super::process::{Process, free_address};
use super::server::Server;

/// What `joelclaw` signs with.
pub(crate) const SECRET: &str = "a secret of the tests";

/// Posts a body as `joelclaw` signs it.
pub(crate) async fn post(address: SocketAddr, body: &Value) -> (u16, Value) {
    let delivery = signed("joelclaw", body.to_string().as_bytes(), 0);
    let mut request = reqwest::Client::new()
        .post(format!("http://{address}/webhooks/joelclaw"))
        .body(delivery.body);
    for (name, value) in &delivery.headers {
        request = request.header(*name, value);
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
}

/// A worker that takes webhooks. It has the secret from a file, and the environment does not know it.
pub(crate) async fn worker(server: &Server, components: &TempDir) -> Process {
    let spool = components.path().join("spool");
    let (secret, grants) =
        (components.path().join("secret"), components.path().join("grants.toml"));
    std::fs::write(&secret, format!("{SECRET}\n")).expect("written");
    let file =
        format!("[secrets.joelclaw_webhook_secret]\nfile = {:?}\n", secret.display().to_string());
    std::fs::write(&grants, file).expect("written");
    let (spool, grants) = (spool.to_string_lossy(), grants.to_string_lossy());
    let further = ["--webhooks", "on", "--spool", &spool, "--grants", &grants];
    server.worker_with(components, free_address(), &further).await
}
