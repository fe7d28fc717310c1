//! What a worker says first, checked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use prost::Message;
use protocol::connect::frames::{AppConfiguration, ConnectMessage, Kind, WorkerConnect};
use protocol::signature::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ulid::Ulid;
use url::{Url, form_urlencoded};

use super::board::{Announced, Hello};
use super::refusal::Refusal;
use super::session::Sessions;
use crate::app::SyncRequest;

/// How many apps one connection may have.
const MOST_APPS: usize = 10;

/// A worker whose first frame is in order. Its apps are still to be registered.
#[derive(Debug)]
pub(super) struct Applicant {
    pub(super) hello: Hello,
    pub(super) syncs: Vec<SyncRequest>,
}

/// Whom the gateway believes.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    pub(super) sessions: Sessions,
    /// What sync tokens must prove to know, if anything.
    pub(super) key: Option<SigningKey>,
}

impl Doorkeeper {
    /// Reads a worker's first frame.
    pub(super) fn admit(
        &self,
        first: ConnectMessage,
        now: Timestamp,
    ) -> Result<Applicant, Refusal> {
        if Kind::try_from(first.kind) != Ok(Kind::WorkerConnect) {
            return Err(Refusal::NotAHello);
        }
        let worker = WorkerConnect::decode(first.payload).map_err(|_| Refusal::InvalidHello)?;
        if Ulid::from_string(&worker.connection_id).is_err() || worker.instance_id.is_empty() {
            return Err(Refusal::InvalidHello);
        }
        let auth = worker.auth_data.clone().unwrap_or_default();
        if !self.sessions.accepts(&auth.session_token, now) {
            return Err(Refusal::Unauthenticated);
        }
        match worker.apps.len() {
            0 => return Err(Refusal::InvalidHello),
            apps if apps > MOST_APPS => return Err(Refusal::TooManyApps),
            _ => {}
        }
        let capabilities = parse(&worker.capabilities)?;
        let mut apps = BTreeMap::new();
        let mut syncs = Vec::new();
        for app in &worker.apps {
            let functions = parse(&app.functions)?;
            syncs.push(sync(&worker, app, &functions, &capabilities)?);
            apps.insert(app.app_name.clone(), announced(&functions));
        }
        if self.key.as_ref().is_some_and(|key| !key.accepts_bearer(&auth.sync_token)) {
            return Err(Refusal::Internal);
        }
        let limit = worker.max_worker_concurrency.and_then(|most| usize::try_from(most).ok());
        let hello = Hello {
            connection: worker.connection_id,
            instance: worker.instance_id,
            limit: limit.filter(|most| *most > 0),
            manual: worker.worker_manual_readiness_ack,
            apps,
            sdk: (worker.sdk_language, worker.sdk_version),
            system: worker.system_attributes,
        };
        Ok(Applicant { hello, syncs })
    }
}

fn parse(json: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(json).map_err(|_| Refusal::Internal)
}

/// The registration of an app, as `/fn/register` takes it.
fn sync(
    worker: &WorkerConnect,
    app: &AppConfiguration,
    functions: &Value,
    capabilities: &Value,
) -> Result<SyncRequest, Refusal> {
    let query = form_urlencoded::byte_serialize(app.app_name.as_bytes());
    let body = json!({
        "url": format!("ws://connect?app_name={}", query.collect::<String>()),
        "deployType": "connect",
        "appName": app.app_name,
        "appVersion": app.app_version,
        "sdk": format!("{}:{}", worker.sdk_language, worker.sdk_version),
        "framework": worker.framework,
        "v": "0.1",
        "capabilities": capabilities,
        "functions": functions,
    });
    SyncRequest::parse(body.to_string().as_bytes())
        .map_err(|problem| Refusal::NotSynced(format!("Invalid request: {problem}")))
}

/// What a list of functions makes callable: the slugs in the URLs of their steps.
fn announced(functions: &Value) -> Announced {
    let all = functions.as_array().into_iter().flatten();
    let urls = all
        .filter_map(|function| function["steps"].as_object())
        .flat_map(|steps| steps.values())
        .filter_map(|step| Url::parse(step["runtime"]["url"].as_str()?).ok());
    let slug = |url: Url| {
        let mut pairs = url.query_pairs();
        pairs.find(|(key, _)| key == "fnId").map(|(_, slug)| slug.into_owned())
    };
    let slugs: BTreeSet<String> = urls.filter_map(slug).collect();
    Announced { configuration: hex::encode(Sha256::digest(functions.to_string())), slugs }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::connect::frames::AuthData;

    use super::*;

    const ID: &str = "01M81GASH0R910JDJB44E5C4J1";

    fn door(key: Option<&str>) -> Doorkeeper {
        let key = key.map(|key| SigningKey::parse(key).expect("a key"));
        Doorkeeper { sessions: Sessions::new(key.as_ref(), Duration::from_mins(5)), key }
    }

    fn app(functions: &[u8]) -> AppConfiguration {
        AppConfiguration {
            app_name: "app".to_owned(),
            app_version: None,
            functions: functions.to_vec(),
        }
    }

    /// A hello in order, changed.
    fn hello(change: impl FnOnce(&mut WorkerConnect)) -> Result<Applicant, Refusal> {
        let mut worker = WorkerConnect {
            connection_id: ID.to_owned(),
            instance_id: "host-1".to_owned(),
            auth_data: Some(AuthData {
                session_token: door(Some("abcd")).sessions.token(Timestamp::UNIX_EPOCH),
                sync_token: "abcd".to_owned(),
            }),
            capabilities: b"{}".to_vec(),
            apps: vec![app(
                br#"[{"id":"app-f","steps":{"step":{"runtime":{"url":"ws://connect?fnId=app-f&stepId=step"}}}},
                    {"id":"app-g","steps":{"step":{"runtime":{"url":"ws://connect"}}}}]"#,
            )],
            ..WorkerConnect::default()
        };
        change(&mut worker);
        let first = ConnectMessage::around(Kind::WorkerConnect, &worker);
        door(Some("abcd")).admit(first, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_hello_in_order_names_apps_slugs_and_slots() {
        let applicant = hello(|worker| worker.max_worker_concurrency = Some(2)).expect("in order");
        assert_eq!(applicant.hello.limit, Some(2));
        // A function without `fnId` in its URL is registered and cannot be called.
        assert_eq!(applicant.hello.apps["app"].slugs, ["app-f".to_owned()].into());
        assert_eq!(applicant.syncs[0].app_name, "app");
        assert_eq!(applicant.syncs[0].url, "ws://connect?app_name=app");
        assert_eq!(applicant.syncs[0].functions.as_ref().map(Vec::len), Some(2));
        for none in [None, Some(0), Some(-1)] {
            let applicant = hello(|worker| worker.max_worker_concurrency = none);
            assert_eq!(applicant.expect("in order").hello.limit, None);
        }
        let empty = hello(|worker| worker.apps = vec![app(b"[]")]);
        assert!(empty.is_ok(), "no function is a configuration too");
    }

    #[test]
    fn anything_else_is_refused_as_the_real_gateway_does() {
        type Change = fn(&mut WorkerConnect);
        let rows: [(Change, u16, &str); 10] = [
            (|it| it.connection_id = "1".into(), 1008, "connect_worker_hello_invalid_payload"),
            (|it| it.instance_id.clear(), 1008, "connect_worker_hello_invalid_payload"),
            (|it| it.apps.clear(), 1008, "connect_worker_hello_invalid_payload"),
            (|it| it.apps = vec![app(b"[]"); 11], 1008, "connect_too_many_apps_per_connection"),
            (|it| it.auth_data = None, 1008, "connect_authentication_failed"),
            (|it| it.apps[0].functions.clear(), 1011, "connect_internal_error"),
            (|it| it.apps[0].functions = b"[".to_vec(), 1011, "connect_internal_error"),
            (|it| it.capabilities.clear(), 1011, "connect_internal_error"),
            (
                |it| it.auth_data.get_or_insert_default().sync_token = "dcba".into(),
                1011,
                "connect_internal_error",
            ),
            (|it| it.apps[0].functions = b"{}".to_vec(), 1008, ""),
        ];
        for (at, (change, code, reason)) in rows.into_iter().enumerate() {
            let refusal = hello(change).map(|_| ()).expect_err("refused");
            assert_eq!((refusal.code(), &*refusal.reason()), (code, reason), "row {at}");
        }
        let other = ConnectMessage::empty(Kind::WorkerHeartbeat);
        let refusal = door(None).admit(other, Timestamp::UNIX_EPOCH).map(|_| ());
        assert_eq!(refusal, Err(Refusal::NotAHello));
        let garbage = ConnectMessage { kind: Kind::WorkerConnect.into(), payload: "?".into() };
        let refusal = door(None).admit(garbage, Timestamp::UNIX_EPOCH).map(|_| ());
        assert_eq!(refusal, Err(Refusal::InvalidHello));
    }

    #[test]
    fn an_engine_without_a_key_believes_every_sync_token() {
        let worker = WorkerConnect {
            connection_id: ID.to_owned(),
            instance_id: "host-1".to_owned(),
            auth_data: Some(AuthData {
                session_token: door(None).sessions.token(Timestamp::UNIX_EPOCH),
                sync_token: "undefined".to_owned(),
            }),
            capabilities: b"{}".to_vec(),
            apps: vec![app(b"[]")],
            ..WorkerConnect::default()
        };
        let first = ConnectMessage::around(Kind::WorkerConnect, &worker);
        assert!(door(None).admit(first, Timestamp::UNIX_EPOCH).is_ok());
    }
}
