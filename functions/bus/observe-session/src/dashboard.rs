//! The dashboard's own records of observations.

use serde_json::json;
use system_bus_sdk::prelude::*;

/// The secret that lets us write.
const KEY: &str = "convex_deploy_key";
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes a record for each document; how many were not taken. The documents themselves are stored: that fails nothing.
pub(crate) async fn write(io: &Io, url: &str, documents: &[Value]) -> u64 {
    let mut errors = 0;
    for document in documents {
        if let Err(error) = one(io, url, document).await {
            log::warn!("the dashboard has no record of {}: {error}", document["id"]);
            errors += 1;
        }
    }
    errors
}

async fn one(io: &Io, url: &str, document: &Value) -> Result<()> {
    let id = document["id"].as_str().unwrap_or_default();
    let text = |name: &str| document[name].as_str().unwrap_or_default();
    let words = [text("observation"), text("observation_type"), text("source")].join(" ");
    let args = json!({
        "resourceId": format!("obs:{id}"),
        "type": "memory_observation",
        "fields": {
            "observationId": id,
            "observation": document["observation"],
            "category": document["observation_type"],
            "source": document["source"],
            "sessionId": document["session_id"],
            "superseded": false,
            "timestamp": document["timestamp"],
        },
        "searchText": words,
    });
    let token = outside::token(io, KEY)?;
    let answer: Value = io
        .http()
        .post(format!("{url}/api/mutation"))
        .header("authorization", format!("Convex {token}"))
        .header("idempotency-key", format!("{}:{id}", io.idempotency_key()))
        .json(&json!({ "path": "contentResources:upsert", "args": args, "format": "json" }))
        .timeout(PATIENCE)
        .send()
        .await?
        .ok()?
        .json()?;
    if answer["status"] == "success" {
        return Ok(());
    }
    Err(Error::retry(answer["errorMessage"].as_str().unwrap_or("it does not say why")))
}
