//! The sync payload: what the worker tells the server it has.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::SDK;
use crate::function::{FunctionConfig, Trigger};
use crate::id::AppId;

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
    functions: Vec<WireFunction>,
}

/// What the worker's replies name as their HTTP framework.
pub const FRAMEWORK: &str = "axum";

#[derive(Debug, Clone, Serialize)]
struct WireFunction {
    id: String,
    name: String,
    triggers: Vec<WireTrigger>,
    steps: WireSteps,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum WireTrigger {
    // Absent is absent: a `null` member would make the server take the trigger for both kinds.
    Event {
        event: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        expression: Option<String>,
    },
    Cron {
        cron: String,
    },
}

#[derive(Debug, Clone, Serialize)]
struct WireSteps {
    step: WireStep,
}

#[derive(Debug, Clone, Serialize)]
struct WireStep {
    id: &'static str,
    name: &'static str,
    runtime: WireRuntime,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<WireRetries>,
}

#[derive(Debug, Clone, Serialize)]
struct WireRuntime {
    r#type: &'static str,
    url: String,
}

#[derive(Debug, Clone, Serialize)]
struct WireRetries {
    attempts: u8,
}

impl SyncPayload {
    /// The payload for an app whose calls arrive at `url`.
    pub fn new<'f>(
        app: &AppId,
        version: Option<&str>,
        url: &Url,
        functions: impl IntoIterator<Item = &'f FunctionConfig>,
    ) -> Self {
        let mut functions: Vec<WireFunction> =
            functions.into_iter().map(|function| wire(app, url, function)).collect();
        functions.sort_by(|a, b| a.id.cmp(&b.id));
        Self {
            url: url.to_string(),
            deploy_type: "ping",
            app_name: app.to_string(),
            sdk: SDK,
            v: "0.1",
            framework: FRAMEWORK,
            app_version: version.map(str::to_owned),
            functions,
        }
    }

    /// The functions alone, as a JSON array: what a Connect handshake announces.
    ///
    /// Its URLs must have the scheme `ws`: see [`connect_url`].
    pub fn functions_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.functions).expect("functions have string keys only")
    }

    /// The slugs and cron expressions the server must show after the sync.
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

fn wire(app: &AppId, url: &Url, function: &FunctionConfig) -> WireFunction {
    let slug = app.slug(&function.id);
    let mut target = url.clone();
    let kind = if matches!(url.scheme(), "ws" | "wss") { "ws" } else { "http" };
    target.query_pairs_mut().append_pair("fnId", &slug).append_pair("stepId", "step");
    let triggers = function.triggers.iter().map(|trigger| match trigger {
        Trigger::Event { event, expression } => {
            WireTrigger::Event { event: event.to_string(), expression: expression.clone() }
        }
        Trigger::Cron(cron) => WireTrigger::Cron { cron: cron.as_str().to_owned() },
    });
    WireFunction {
        name: function.name.clone(),
        triggers: triggers.collect(),
        steps: WireSteps {
            step: WireStep {
                id: "step",
                name: "step",
                runtime: WireRuntime { r#type: kind, url: target.into() },
                retries: function.retries.map(|retries| WireRetries { attempts: retries.get() }),
            },
        },
        id: slug,
    }
}

/// The server's answer to a sync.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Synced {
    /// Whether anything changed on the server.
    #[serde(default)]
    pub modified: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Manifest;

    #[test]
    fn the_payload_is_sorted_absent_is_absent_and_urls_name_the_function() {
        let manifest = Manifest::parse(
            r#"{"functions":[
                {"id":"z","name":"Zed","triggers":[{"event":"a/b"},{"cron":"0 9 * * *"}]},
                {"id":"check/health","retries":1,"triggers":[{"event":"c/d","expression":"event.data.n > 1"}]}]}"#,
        )
        .expect("valid");
        let app = "system-bus-host".parse().expect("an id");
        let url = Url::parse("http://127.0.0.1:3111/api/inngest").expect("a URL");
        let payload = SyncPayload::new(&app, None, &url, &manifest.functions);
        let json = serde_json::to_value(&payload).expect("JSON");
        let expected = serde_json::json!({
            "url": "http://127.0.0.1:3111/api/inngest", "deployType": "ping", "appName": "system-bus-host",
            "sdk": SDK, "v": "0.1", "framework": "axum",
            "functions": [
                {
                    "id": "system-bus-host-check/health", "name": "check/health",
                    "triggers": [{"event": "c/d", "expression": "event.data.n > 1"}],
                    "steps": {"step": {"id": "step", "name": "step", "retries": {"attempts": 1}, "runtime": {
                        "type": "http",
                        "url": "http://127.0.0.1:3111/api/inngest?fnId=system-bus-host-check%2Fhealth&stepId=step",
                    }}},
                },
                {
                    "id": "system-bus-host-z", "name": "Zed",
                    "triggers": [{"event": "a/b"}, {"cron": "0 9 * * *"}],
                    "steps": {"step": {"id": "step", "name": "step", "runtime": {
                        "type": "http",
                        "url": "http://127.0.0.1:3111/api/inngest?fnId=system-bus-host-z&stepId=step",
                    }}},
                },
            ],
        });
        assert_eq!(json, expected);
        assert_eq!(payload.slugs().count(), 2);
    }

    #[test]
    fn functions_of_a_connection_have_sockets_for_addresses_and_still_name_themselves() {
        let manifest = Manifest::parse(
            r#"{"functions":[{"id":"a","name":"A","triggers":[{"event":"a/b"}]}]}"#,
        )
        .expect("valid");
        let app = "bus".parse().expect("an id");
        let payload = SyncPayload::new(&app, None, &connect_url(&app), &manifest.functions);
        let functions: serde_json::Value =
            serde_json::from_slice(&payload.functions_json()).expect("JSON");
        let runtime = &functions[0]["steps"]["step"]["runtime"];
        assert_eq!(runtime["type"], "ws");
        assert_eq!(runtime["url"], "ws://connect/?app_name=bus&fnId=bus-a&stepId=step");
    }
}
