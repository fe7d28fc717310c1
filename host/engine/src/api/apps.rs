//! Apps, read back: what the engine holds of what a worker has synced.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;
use super::answer::Fault;
use super::second::{Paging, Problem, single};
use crate::app::App;
use crate::function::Function;

/// Members that are shown as they were sent.
const OPTIONS: [&str; 9] = [
    "batchEvents",
    "cancel",
    "checkpoint",
    "concurrency",
    "debounce",
    "priority",
    "singleton",
    "throttle",
    "timeouts",
];

/// `GET /v1/apps/{app}/functions`: a bare array; an unknown app has none.
pub(super) async fn functions(
    State(shared): State<Shared>,
    Path(app): Path<String>,
) -> Result<Response, Fault> {
    let list = shared.engine.read(move |machine| machine.app(&app).map(list)).await?;
    Ok(Json(list.unwrap_or_default()).into_response())
}

/// An app's functions as the first API shows them.
pub(super) fn list(app: &App) -> Vec<Value> {
    let functions = app.functions.iter().map(|function| {
        json!({
            "id": function.slug,
            "internal_id": function.uuid,
            "name": function.name,
            "config": config(app, function),
        })
    });
    functions.collect()
}

/// A function as it was sent.
fn sent<'a>(app: &'a App, function: &Function) -> Option<&'a Value> {
    app.registration.functions.iter().rev().find(|json| json["id"] == function.slug)
}

fn config(app: &App, function: &Function) -> Value {
    let sent = sent(app, function);
    let member = |name: &str| sent.and_then(|json| json.get(name)).filter(|m| !m.is_null());
    let mut config = json!({
        "id": function.slug,
        "name": function.name,
        "triggers": member("triggers").cloned().unwrap_or_else(|| json!([])),
        "steps": [{"id": "step", "name": "step", "uri": function.url.as_str(),
            "retries": function.max_attempts - 1}],
    });
    for name in OPTIONS {
        if let Some(member) = member(name) {
            config[name] = member.clone();
        }
    }
    // The real server makes a rate limit of an idempotency, which takes the place of another one.
    if let Some(key) = member("idempotency").filter(|key| *key != "") {
        config["rateLimit"] = json!({"limit": 1, "period": "24h", "key": key});
    } else if let Some(limit) = member("rateLimit") {
        config["rateLimit"] = limit.clone();
    }
    config
}

/// `GET /v2/apps`: pages of 20 unless asked otherwise.
pub(super) async fn all(
    State(shared): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Response, Problem> {
    let apps: Vec<Value> =
        shared.engine.read(|machine| machine.apps().map(shown).collect()).await?;
    Ok(paging.page(apps, 20, |app| app["id"].as_str().unwrap_or_default()))
}

/// An app as the second API shows it.
fn shown(app: &App) -> Value {
    let registration = &app.registration;
    let mut sync = json!({
        "url": registration.url,
        "syncedAt": registration.synced_at,
        "sdkVersion": registration.sdk,
    });
    if let Some(error) = &registration.error {
        sync["error"] = json!(error);
    }
    json!({
        "id": registration.name,
        "name": registration.name,
        "functionCount": app.functions.len(),
        "latestSync": sync,
    })
}

/// `GET /v2/apps/{app}`: with the reason for which its last sync was refused, if it was.
pub(super) async fn one(
    State(shared): State<Shared>,
    Path(app): Path<String>,
) -> Result<Response, Problem> {
    let read = shared.engine.read(move |machine| machine.app(&app).map(shown));
    Ok(single(read.await?.as_ref()))
}

/// `GET /v2/apps/{app}/functions`: pages of 20 unless asked otherwise.
pub(super) async fn page(
    State(shared): State<Shared>,
    Path(app): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Response, Problem> {
    let read = shared.engine.read(move |machine| {
        let app = machine.app(&app);
        app.map(|app| app.functions.iter().map(|function| short(app, function)).collect())
    });
    let functions: Option<Vec<Value>> = read.await?;
    let id = |function: &Value| function["id"].as_str().unwrap_or_default().to_owned();
    let mut functions = functions.unwrap_or_default();
    functions.sort_by_key(id);
    Ok(paging.page(functions, 20, |function| function["id"].as_str().unwrap_or_default()))
}

/// A function as the second API shows it, under its id without the app.
fn short(app: &App, function: &Function) -> Value {
    let name = &app.registration.name;
    let rest = function.slug.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('-'));
    let id = rest.unwrap_or(&function.slug);
    let triggers = sent(app, function).and_then(|json| json["triggers"].as_array());
    let triggers = triggers.into_iter().flatten().map(|trigger| match trigger["cron"].as_str() {
        Some(cron) => json!({"type": "CRON", "value": cron}),
        None => json!({"type": "EVENT", "value": trigger["event"]}),
    });
    json!({
        "id": id,
        "slug": id,
        "name": function.name,
        "app": {"id": name},
        "triggers": triggers.collect::<Vec<_>>(),
    })
}
