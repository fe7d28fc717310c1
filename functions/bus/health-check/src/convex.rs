//! Convex, which holds what the dashboard shows.

use outside::Note;
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::latch::Transition;
use crate::notices::Notice;
use crate::resolve::Service;
use crate::settings::Settings;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The secret that lets us write.
const KEY: &str = "convex_deploy_key";

/// What came of telling Convex.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// How many records were written.
    pub rows: usize,
    /// Why others were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Puts the state of each service in place. The dashboard is nobody's only news: nothing fails of it.
pub(crate) async fn push_services(io: &Io, services: &[Service], now: Timestamp) -> Pushed {
    let row = |service: &Service| {
        let status = if service.up { "healthy" } else { "down" };
        let fields = json!({
            "name": service.name, "status": status, "detail": service.detail, "checkedAt": now,
        });
        let name = service.name.to_lowercase().replace(' ', "-");
        Row { id: format!("system-status:{name}"), kind: "system_status", fields }
    };
    push(io, services.iter().map(row).collect()).await
}

/// Puts a notice of a change there.
pub(crate) async fn push_notice(
    io: &Io,
    change: &Transition,
    notice: &Notice,
    now: Timestamp,
) -> Pushed {
    let incident = change.incident.as_deref().unwrap_or("none");
    let id = format!("notification:{incident}:{}:{}", change.kind.name(), now.as_millisecond());
    let fields = json!({
        "type": notice.kind, "message": notice.message(), "payload": notice.payload, "createdAt": now,
    });
    push(io, vec![Row { id, kind: "notification", fields }]).await
}

struct Row {
    id: String,
    kind: &'static str,
    fields: Value,
}

async fn push(io: &Io, rows: Vec<Row>) -> Pushed {
    let mut pushed = Pushed::default();
    let Some(url) = Settings::of(|key| io.config(key)).convex else { return pushed };
    for row in rows {
        match upsert(io, &url, &row).await {
            Ok(()) => pushed.rows += 1,
            Err(error) => {
                Note::of(COMPONENT, "system.health.convex")
                    .warn()
                    .with("record", &row.id)
                    .failed(io, &error);
                pushed.error = Some(error.to_string());
                // Where one is not answered, the others would each wait as long.
                break;
            }
        }
    }
    pushed
}

async fn upsert(io: &Io, url: &str, row: &Row) -> Result<()> {
    let path = "contentResources:upsert";
    let args = json!({
        "resourceId": row.id, "type": row.kind, "fields": row.fields, "searchText": row.id,
    });
    let token = outside::token(io, KEY)?;
    let answer: Value = io
        .http()
        .post(format!("{url}/api/mutation"))
        .header("authorization", format!("Convex {token}"))
        // A step writes several: each has a key of its own, the same in each attempt.
        .header("idempotency-key", format!("{}:{}", io.idempotency_key(), row.id))
        .json(&json!({ "path": path, "args": args, "format": "json" }))
        .timeout(PATIENCE)
        .send()
        .await?
        .ok()?
        .json()?;
    if answer["status"] == "success" {
        return Ok(());
    }
    let why = answer["errorMessage"].as_str().unwrap_or("it does not say why");
    Err(Error::retry(format!("Convex refused `{path}`: {why}")).named("Convex"))
}
