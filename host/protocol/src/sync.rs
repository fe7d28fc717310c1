//! The sync payload: what the worker tells the server it has, and what the server says it has.

mod announced;
mod held;
mod in_band;
mod options;
mod owners;
mod wire;

use serde::{Deserialize, Serialize};
use url::Url;

pub use announced::Announced;
pub use held::{Differences, HeldFunction};
pub use in_band::{InBand, InBandRequest};
pub use owners::Conflict;

use crate::SDK;
use crate::digest::Digest;
use crate::id::AppId;
use crate::introspect::Capabilities;
use wire::WireFunction;

/// The body of `POST /fn/register`.
///
/// Functions are sorted: the server hashes the payload, and a restart must not look like a change.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncPayload {
    url: String,
    deploy_type: &'static str,
    app_name: String,
    sdk: &'static str,
    v: &'static str,
    framework: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_version: Option<String>,
    #[serde(skip_serializing_if = "Capabilities::is_none")]
    capabilities: Capabilities,
    functions: Vec<WireFunction>,
}

/// What the worker's replies name as their HTTP framework.
pub const FRAMEWORK: &str = "axum";

impl SyncPayload {
    /// The payload for an app whose calls arrive at `url`. Equal announcements give equal payloads, in whatever order
    /// their functions come.
    pub fn new(app: &AppId, version: Option<&str>, url: &Url, announced: &Announced) -> Self {
        Self {
            url: url.to_string(),
            deploy_type: "ping",
            app_name: app.to_string(),
            sdk: SDK,
            v: "0.1",
            framework: FRAMEWORK,
            app_version: version.map(str::to_owned),
            capabilities: Capabilities::default(),
            functions: sorted(app, url, announced),
        }
    }

    /// The payload of a worker that can do this.
    #[must_use]
    pub fn announcing(self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// The functions alone, as a JSON array: what a Connect handshake announces.
    ///
    /// Its URLs must have the scheme `ws`: see [`connect_url`].
    pub fn functions_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.functions).expect("functions have string keys only")
    }

    /// Twelve digits that are the same for equal payloads, and in all likelihood for these only.
    pub fn fingerprint(&self) -> String {
        Digest::of(&serde_json::to_vec(self).expect("payloads have string keys only")).short()
    }

    /// The slugs of the functions, the retired ones too, sorted.
    pub fn slugs(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(|function| function.id.as_str())
    }
}

/// The URL under which an app that connects is registered; the gateway takes the function from its query.
///
/// ```
/// let app = "bus".parse().unwrap();
/// assert_eq!(protocol::sync::connect_url(&app).as_str(), "ws://connect/?app_name=bus");
/// ```
pub fn connect_url(app: &AppId) -> Url {
    let mut url = Url::parse("ws://connect").expect("a URL");
    url.query_pairs_mut().append_pair("app_name", app.as_str());
    url
}

/// The functions as they are sent: the retired ones without triggers.
fn sorted(app: &AppId, url: &Url, announced: &Announced) -> Vec<WireFunction> {
    let active = announced.functions.iter().map(|function| WireFunction::new(app, url, function));
    let retired = announced.only_retired();
    let retired = retired.map(|function| WireFunction::new(app, url, function).without_triggers());
    let mut functions: Vec<WireFunction> = active.chain(retired).collect();
    functions.sort_by(|a, b| a.id.cmp(&b.id));
    functions
}

/// The server's answer to a sync.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Synced {
    /// Whether anything changed on the server.
    #[serde(default)]
    pub modified: bool,
}

#[cfg(test)]
mod tests;
