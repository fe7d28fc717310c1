//! Requests and answers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::owners::apply;
use super::path::Path;
use super::watching::{self, Asking};
use super::{Asked, State, lock};

/// A watch ends after so long where it does not say.
const WATCH: Duration = Duration::from_mins(5);

/// Why a request has no other answer.
struct Refused {
    code: u16,
    reason: &'static str,
    message: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        status(self.code, self.reason, &self.message)
    }
}

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code
    });
    (StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body))
        .into_response()
}

fn refused(code: u16, reason: &'static str, message: impl Into<String>) -> Refused {
    Refused { code, reason, message: message.into() }
}

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(answer).with_state(state)
}

async fn answer(
    Shared(state): Shared<Arc<State>>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (path, query) = (uri.path().to_owned(), query.unwrap_or_default());
    let asked = Asked { method: method.to_string(), path: path.clone(), query: query.clone() };
    lock(&state.asked).push(asked);
    if !is_known(&state, &headers) {
        return status(401, "Unauthorized", "Unauthorized");
    }
    if let Some((code, reason)) = fault(&state, method.as_str(), &path) {
        return status(code, &reason, "a fault that was asked for");
    }
    let Some(at) = Path::parse(&path) else {
        return status(404, "NotFound", "the server could not find the requested resource");
    };
    let request = Request { state, method, at, query: Query::parse(&query), headers, body };
    match request.answer().await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    }
}

fn is_known(state: &State, headers: &HeaderMap) -> bool {
    let token = lock(&state.token).clone();
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    token.is_none_or(|token| given == Some(&format!("Bearer {token}")))
}

fn fault(state: &State, method: &str, path: &str) -> Option<(u16, String)> {
    let mut faults = lock(&state.faults);
    let fits =
        |it: &&mut super::Fault| it.times > 0 && it.method == method && path.contains(&it.part);
    let fault = faults.iter_mut().find(fits)?;
    fault.times -= 1;
    Some((fault.code, fault.reason.clone()))
}

/// The members of a query, decoded.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Self {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent(&text)
        };
        let members = query.split('&').filter_map(|member| member.split_once('='));
        Self(members.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    fn labels(&self) -> Vec<(String, String)> {
        let pairs = self.get("labelSelector").unwrap_or_default().split(',');
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.trim_start_matches('=').to_owned()))
        };
        pairs.filter_map(pair).collect()
    }
}

fn percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = (*first == b'%').then(|| more.get(..2)).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Request {
    state: Arc<State>,
    method: Method,
    at: Path,
    query: Query,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    async fn answer(self) -> Result<Response, Refused> {
        if self.at.rest.as_deref().is_some_and(|rest| rest.starts_with("proxy")) {
            return self.proxied().await;
        }
        match self.method {
            Method::GET if self.query.is("watch") => self.watch(),
            Method::GET => self.read(),
            Method::POST => self.create(),
            Method::PUT => self.replace(),
            Method::PATCH => self.patch(),
            Method::DELETE => self.delete(),
            _ => Err(refused(405, "MethodNotAllowed", "the method is not allowed")),
        }
    }

    fn missing(&self) -> Refused {
        let name = self.at.name.as_deref().unwrap_or_default();
        refused(404, "NotFound", format!("{} {name:?} not found", self.at.plural))
    }

    fn json(&self) -> Result<Value, Refused> {
        serde_json::from_slice(&self.body)
            .map_err(|error| refused(400, "BadRequest", format!("the body is no JSON: {error}")))
    }

    fn read(&self) -> Result<Response, Refused> {
        let store = lock(&self.state.store);
        if let Some(key) = self.at.key() {
            return store
                .get(&key)
                .map(|it| Json(it).into_response())
                .ok_or_else(|| self.missing());
        }
        let labels = self.query.labels();
        let named = self.named();
        let items: Vec<_> = store
            .list(&self.at)
            .into_iter()
            .filter(|object| watching::is_labelled(object, &labels))
            .filter(|object| named.is_none_or(|name| object["metadata"]["name"] == json!(name)))
            .collect();
        let list = json!({
            "kind": "List", "apiVersion": self.at.version,
            "metadata": {"resourceVersion": store.version().to_string()}, "items": items
        });
        Ok(Json(list).into_response())
    }

    /// The one name that is asked for by a selector.
    fn named(&self) -> Option<&str> {
        self.query.get("fieldSelector")?.strip_prefix("metadata.name=")
    }

    fn watch(self) -> Result<Response, Refused> {
        let since = self.query.get("resourceVersion").and_then(|text| text.parse().ok());
        let mut at = self.at.clone();
        at.name = self.named().map(str::to_owned).or(at.name);
        let store = lock(&self.state.store);
        // 0 is whichever there is.
        let since = match since {
            None => store.version(),
            Some(0) => store.oldest(),
            Some(since) => since,
        };
        if store.since(since, &at).is_none() {
            return Err(refused(410, "Expired", "too old resource version"));
        }
        drop(store);
        let limit = self.query.get("timeoutSeconds").and_then(|text| text.parse().ok());
        let limit = limit.map_or(WATCH, Duration::from_secs);
        let labels = self.query.labels();
        let body = watching::body(self.state, Asking { at, since, limit, labels });
        Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    }

    fn create(&self) -> Result<Response, Refused> {
        let object = self.json()?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(refused(422, "Invalid", "metadata.name: Required value"));
        }
        let key = self.at.named(&name);
        self.state.change(|store| {
            if store.get(&key).is_some() {
                let message = format!("{} {name:?} already exists", self.at.plural);
                return Err(refused(409, "AlreadyExists", message));
            }
            Ok((StatusCode::CREATED, Json(store.put(key, object))).into_response())
        })
    }

    fn replace(&self) -> Result<Response, Refused> {
        let object = self.json()?;
        let key = self.at.key().ok_or_else(|| self.missing())?;
        self.state.change(|store| {
            let before = store.get(&key).ok_or_else(|| self.missing())?;
            unchanged(before, &object)?;
            Ok(Json(store.put(key, object)).into_response())
        })
    }

    fn patch(&self) -> Result<Response, Refused> {
        let key = self.at.key().ok_or_else(|| self.missing())?;
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match kind {
            Some("application/apply-patch+yaml") => self.apply(),
            Some("application/merge-patch+json" | "application/strategic-merge-patch+json") => {
                let patch = self.json()?;
                self.state.change(|store| {
                    let mut object = store.get(&key).ok_or_else(|| self.missing())?.clone();
                    unchanged(&object, &patch)?;
                    merge(&mut object, patch);
                    Ok(Json(store.put(key, object)).into_response())
                })
            }
            other => {
                let message =
                    format!("the body of the request was in an unknown format: {other:?}");
                Err(refused(415, "UnsupportedMediaType", message))
            }
        }
    }

    fn apply(&self) -> Result<Response, Refused> {
        let manager = self.query.get("fieldManager").unwrap_or_default();
        if manager.is_empty() {
            let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
            return Err(refused(422, "Invalid", message));
        }
        let key = self.at.key().ok_or_else(|| self.missing())?;
        let wanted = self.json()?;
        self.state.change(|store| {
            let identity =
                json!({"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {}});
            let before = store.get(&key).cloned().unwrap_or(identity);
            let mut owners = store.owners.get(&key).cloned().unwrap_or_default();
            let after = apply(&before, &wanted, manager, self.query.is("force"), &mut owners);
            let after = after.map_err(|conflicts| {
                let first = &conflicts[0];
                let field = first.field.replace('/', ".");
                let message = format!(
                    "Apply failed with {} conflict: conflict with {:?}: {field}",
                    conflicts.len(),
                    first.manager
                );
                refused(409, "Conflict", message)
            })?;
            store.owners.insert(key.clone(), owners);
            Ok(Json(store.put(key, after)).into_response())
        })
    }

    fn delete(&self) -> Result<Response, Refused> {
        let key = self.at.key().ok_or_else(|| self.missing())?;
        let deleted = self.state.change(|store| store.delete(&key));
        deleted.map(|object| Json(object).into_response()).ok_or_else(|| self.missing())
    }

    /// Asks a pod in the name of whoever asks for it.
    async fn proxied(self) -> Result<Response, Refused> {
        let name = self.at.name.as_deref().unwrap_or_default();
        let pod = name.split(':').find(|part| !matches!(*part, "http" | "https")).unwrap_or(name);
        let namespace = self.at.namespace.clone().unwrap_or_default();
        let address = lock(&self.state.pods).get(&(namespace, pod.to_owned())).copied();
        let away = || refused(503, "ServiceUnavailable", format!("no endpoints for pod {pod:?}"));
        let address = address.ok_or_else(away)?;
        let rest = self.at.rest.as_deref().unwrap_or_default();
        let path = rest.strip_prefix("proxy").unwrap_or(rest).trim_start_matches('/');
        let url = format!("http://{address}/{path}");
        let request = self.state.client.request(self.method, url).body(self.body);
        let answer = request.send().await.map_err(|_| away())?;
        let code = answer.status();
        Ok((code, answer.bytes().await.map_err(|_| away())?).into_response())
    }
}

/// Whoever names a version means that one.
fn unchanged(before: &Value, object: &Value) -> Result<(), Refused> {
    let named = &object["metadata"]["resourceVersion"];
    if named.is_null() || *named == before["metadata"]["resourceVersion"] {
        return Ok(());
    }
    let message = "the object has been modified; please apply your changes to the latest version and try again";
    Err(refused(409, "Conflict", message))
}

/// RFC 7396.
fn merge(object: &mut Value, patch: Value) {
    let Value::Object(members) = patch else {
        *object = patch;
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (name, member) in members {
        if member.is_null() {
            object.as_object_mut().map(|object| object.remove(&name));
        } else {
            merge(&mut object[name], member);
        }
    }
}
