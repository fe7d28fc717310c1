//! The body of the answer to `GET`: what this worker is, for people and servers that ask.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::SDK;
use crate::id::AppId;
use crate::signature::{Keys, Trust};
use crate::sync::FRAMEWORK;

/// What this worker can do beyond the least: only what it really does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Answers a sync with its functions in the reply.
    pub in_band_sync: bool,
    /// Proves on demand that it shares the key.
    pub trust_probe: bool,
    /// Can open a connection to the server instead of being called.
    pub connect: bool,
}

impl Capabilities {
    /// Whether there is nothing to announce.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = [
            ("connect", self.connect),
            ("in_band_sync", self.in_band_sync),
            ("trust_probe", self.trust_probe),
        ];
        let mut map = serializer.serialize_map(None)?;
        for (name, _) in all.iter().filter(|(_, can)| *can) {
            map.serialize_entry(name, "v1")?;
        }
        map.end()
    }
}

/// What the worker knows about itself.
#[derive(Debug, Clone)]
pub struct Introspection<'w> {
    /// The app.
    pub app: &'w AppId,
    /// How many functions it serves.
    pub functions: usize,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Whom it believes.
    pub trust: &'w Trust,
    /// The key for sending events, where there is one.
    pub event_key: Option<&'w str>,
    /// Where the server's API is.
    pub api_origin: &'w str,
    /// Where events go.
    pub event_api_origin: &'w str,
    /// The branch environment.
    pub env: Option<&'w str>,
    /// The origin and path that were synced, where they were set by hand.
    pub serve_origin: Option<&'w str>,
    /// See `serve_origin`.
    pub serve_path: Option<&'w str>,
}

/// How the request for introspection was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Not at all, or the worker does not check.
    Unsigned,
    /// With a signature that fits: the answer may tell more.
    Believed,
    /// With one that does not.
    Disbelieved,
}

#[derive(Serialize)]
struct Public {
    authentication_succeeded: Option<bool>,
    capabilities: Capabilities,
    extra: Map<String, Value>,
    function_count: usize,
    has_event_key: bool,
    has_signing_key: bool,
    has_signing_key_fallback: bool,
    mode: &'static str,
    schema_version: &'static str,
}

#[derive(Serialize)]
struct Private<'w> {
    #[serde(flatten)]
    public: Public,
    api_origin: &'w str,
    app_id: &'w str,
    env: Option<&'w str>,
    event_api_origin: &'w str,
    event_key_hash: Option<String>,
    framework: &'static str,
    sdk_language: &'static str,
    sdk_version: &'static str,
    serve_origin: Option<&'w str>,
    serve_path: Option<&'w str>,
    signing_key_fallback_hash: Option<String>,
    signing_key_hash: Option<String>,
}

impl Introspection<'_> {
    /// The JSON body for somebody who asked this way.
    pub fn body(&self, asked: Asked) -> Vec<u8> {
        let keys = match self.trust {
            Trust::Dev => None,
            Trust::Signed(keys) => Some(keys),
        };
        let public = Public {
            authentication_succeeded: match asked {
                Asked::Unsigned => None,
                Asked::Believed => Some(true),
                Asked::Disbelieved => Some(false),
            },
            // How to sync is nobody's business who does not share our key.
            capabilities: Capabilities {
                in_band_sync: self.capabilities.in_band_sync && asked == Asked::Believed,
                ..self.capabilities
            },
            extra: Map::new(),
            function_count: self.functions,
            has_event_key: self.event_key.is_some(),
            has_signing_key: keys.is_some(),
            has_signing_key_fallback: keys.is_some_and(|keys| keys.fallback.is_some()),
            mode: if keys.is_some() { "cloud" } else { "dev" },
            schema_version: "2024-05-24",
        };
        let json = if asked == Asked::Believed {
            serde_json::to_vec(&self.private(public, keys))
        } else {
            serde_json::to_vec(&public)
        };
        json.expect("all keys are strings")
    }

    fn private(&self, public: Public, keys: Option<&Keys>) -> Private<'_> {
        // Enough to compare keys by, not enough to be one.
        let short = |hash: String| hash.chars().take(12).collect::<String>();
        Private {
            public,
            api_origin: self.api_origin,
            app_id: self.app.as_str(),
            env: self.env,
            event_api_origin: self.event_api_origin,
            event_key_hash: self.event_key.map(|key| hex::encode(Sha256::digest(key.as_bytes()))),
            framework: FRAMEWORK,
            sdk_language: "rust",
            sdk_version: SDK.trim_start_matches("rust:v"),
            serve_origin: self.serve_origin,
            serve_path: self.serve_path,
            signing_key_fallback_hash: keys
                .and_then(|keys| keys.fallback.as_ref())
                .map(|key| short(key.hash())),
            signing_key_hash: keys.map(|keys| short(keys.primary.hash())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;

    #[test]
    fn only_a_believed_asker_learns_origins_and_hashes() {
        let app = "app".parse().expect("an id");
        let key = SigningKey::parse("signkey-prod-12345678").expect("a key");
        let trust = Trust::Signed(Keys { primary: key, fallback: None });
        let introspection = Introspection {
            app: &app,
            functions: 3,
            capabilities: Capabilities { in_band_sync: true, trust_probe: true, connect: false },
            trust: &trust,
            event_key: Some("secret"),
            api_origin: "http://127.0.0.1:8288/",
            event_api_origin: "http://127.0.0.1:8288/",
            env: None,
            serve_origin: None,
            serve_path: None,
        };
        let read =
            |asked| -> Value { serde_json::from_slice(&introspection.body(asked)).expect("JSON") };
        let open = read(Asked::Unsigned);
        assert_eq!(open["authentication_succeeded"], Value::Null);
        assert_eq!((&open["function_count"], &open["mode"]), (&3.into(), &"cloud".into()));
        assert_eq!(open["capabilities"], serde_json::json!({"trust_probe": "v1"}));
        assert!(open.get("api_origin").is_none() && open.get("signing_key_hash").is_none());
        assert_eq!(read(Asked::Disbelieved)["authentication_succeeded"], false);
        let told = read(Asked::Believed);
        assert_eq!(told["authentication_succeeded"], true);
        assert_eq!(told["signing_key_hash"], "b2ed992186a5");
        assert_eq!(told["app_id"], "app");
        let both = serde_json::json!({"in_band_sync": "v1", "trust_probe": "v1"});
        assert_eq!(told["capabilities"], both);
        let text = told.to_string();
        assert!(!text.contains("secret") && !text.contains("12345678"), "keys never show: {text}");
    }
}
