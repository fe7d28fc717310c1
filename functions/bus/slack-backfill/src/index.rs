//! The collection of messages in Typesense.

use outside::token;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use system_bus_sdk::http::Request;
use system_bus_sdk::prelude::*;

use crate::message::Document;
use crate::settings::Settings;

const COLLECTION: &str = "slack_messages";
/// The secret with the key.
const KEY: &str = "typesense_api_key";

/// How many documents were taken in, and how many were not.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Taken in.
    pub success: u64,
    /// Refused.
    pub errors: u64,
}

/// The index, for one step.
pub(crate) struct Index<'a> {
    io: &'a Io,
    url: String,
}

impl<'a> Index<'a> {
    pub(crate) fn of(io: &'a Io) -> Self {
        Self { io, url: Settings::of(|key| io.config(key)).typesense }
    }

    fn with_key(&self, request: Request) -> Result<Request> {
        let key = token(self.io, KEY)?;
        Ok(request.header("X-TYPESENSE-API-KEY", key).timeout(Duration::from_secs(30)))
    }

    /// Makes the collection unless it is there; whether it was made.
    pub(crate) async fn ensure(&self) -> Result<bool> {
        let url = format!("{}/collections/{COLLECTION}", self.url);
        let found = self.with_key(self.io.http().get(url))?.send().await?;
        if found.status != 404 {
            found.ok()?;
            return Ok(false);
        }
        let request = self.io.http().post(format!("{}/collections", self.url)).json(&schema());
        let made = self.with_key(request)?.send().await?;
        // Somebody else was quicker: it is there.
        if made.status != 409 {
            made.ok()?;
        }
        Ok(true)
    }

    /// Takes documents in, in place of those with the same ids.
    pub(crate) async fn upsert(&self, documents: &[Document]) -> Result<Imported> {
        if documents.is_empty() {
            return Ok(Imported::default());
        }
        let lines = documents.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
        let lines = lines.stop()?.join("\n");
        let url = format!("{}/collections/{COLLECTION}/documents/import?action=upsert", self.url);
        let request = self.io.http().post(url).header("content-type", "text/plain").body(lines);
        let told = self.with_key(request)?.send().await?.ok()?.text()?;
        let mut imported = Imported::default();
        for line in told.lines().filter(|line| !line.trim().is_empty()) {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            if line["success"] == true {
                imported.success += 1;
            } else {
                imported.errors += 1;
            }
        }
        // What is not answered for was not taken in.
        let answered = imported.success + imported.errors;
        imported.errors += (documents.len() as u64).saturating_sub(answered);
        Ok(imported)
    }
}

fn schema() -> Value {
    let mut fields = Vec::new();
    for name in
        ["channel_type", "channel_id", "channel_name", "channel_category", "user_id", "user_name"]
    {
        fields.push(json!({"name": name, "type": "string", "facet": true}));
    }
    fields.extend([
        json!({"name": "thread_ts", "type": "string", "optional": true}),
        json!({"name": "text", "type": "string"}),
        json!({"name": "timestamp", "type": "int64"}),
        json!({"name": "message_ts", "type": "string"}),
        json!({"name": "is_thread_reply", "type": "bool", "facet": true}),
        json!({"name": "reactions", "type": "string[]", "optional": true, "facet": true}),
        json!({"name": "has_attachments", "type": "bool", "optional": true, "facet": true}),
        json!({"name": "ingested_at", "type": "int64"}),
    ]);
    json!({"name": COLLECTION, "fields": fields, "default_sorting_field": "timestamp"})
}
