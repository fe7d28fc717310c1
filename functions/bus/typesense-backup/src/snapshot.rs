//! Asks Typesense for a snapshot: in the preferred root, else in the other one.

use outside::token;
use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::commands::Commands;

/// The secret with Typesense's key.
pub(crate) const KEY: &str = "typesense_api_key";

/// A snapshot that was taken.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The root that took it.
    pub root: String,
    /// Where it is.
    pub path: String,
    /// All that was tried.
    pub attempts: Vec<Tried>,
}

/// One root that was tried.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The root.
    pub root: String,
    /// Where the snapshot was to be.
    pub path: String,
    /// Whether it was taken.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Takes one. Fails when every root has refused it, with what each of them said.
pub(crate) async fn take(io: &Io, stamp: &str) -> Result<Snapshot> {
    let settings = Commands::of(io).settings;
    let mut attempts = Vec::new();
    for root in settings.roots() {
        let path = format!("{root}/{stamp}");
        let url = format!("{}/operations/snapshot?snapshot_path={}", settings.url, encoded(&path));
        // The same root is the same snapshot however often it is asked for, another root is not.
        let key = format!("{}:{root}", io.idempotency_key());
        let request = io.http().post(url).header("X-TYPESENSE-API-KEY", token(io, KEY)?);
        let request = request.header("idempotency-key", key).timeout(Duration::from_secs(30));
        let error = match request.send().await {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(answer) => {
                let words: String = answer.text().unwrap_or_default().chars().take(400).collect();
                Some(format!("Typesense snapshot failed ({}): {words}", answer.status))
            }
            Err(problem) => Some(format!("Typesense snapshot failed: {problem}")),
        };
        let ok = error.is_none();
        attempts.push(Tried { root: root.to_owned(), path: path.clone(), ok, error });
        if ok {
            return Ok(Snapshot { root: root.to_owned(), path, attempts });
        }
    }
    let said = attempts
        .iter()
        .map(|tried| format!("{}: {}", tried.root, tried.error.as_deref().unwrap_or_default()));
    Err(Error::retry(said.collect::<Vec<_>>().join("; ")).named("SnapshotFailed"))
}

/// Percent-encoded, as a value of a query.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
