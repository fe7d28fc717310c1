//! Convex, which holds what the site shows.

use std::collections::BTreeMap;

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::content::{Document, Source};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The secret that lets us write.
const KEY: &str = "convex_deploy_key";

/// Convex, as a step reaches it.
pub(crate) struct Convex<'a> {
    pub(crate) io: &'a Io,
    pub(crate) url: &'a str,
}

impl Convex<'_> {
    /// The records of a kind: the digests of what they hold, by their ids.
    pub(crate) async fn records(&self, source: Source) -> Result<BTreeMap<String, String>> {
        let args = json!({ "type": source.kind(), "limit": 5_000 });
        let found = self.call("query", "contentResources:listByType", &args, "").await?;
        let records = found.as_array().ok_or_else(|| Error::retry("Convex lists no records"))?;
        let record = |record: &Value| {
            let id = record["resourceId"].as_str()?.to_owned();
            Some((id, record["fields"]["contentHash"].as_str().unwrap_or_default().to_owned()))
        };
        Ok(records.iter().filter_map(record).collect())
    }

    /// Puts a record in place.
    pub(crate) async fn upsert(&self, source: Source, id: &str, document: &Document) -> Result<()> {
        let args = json!({
            "resourceId": id,
            "type": source.kind(),
            "fields": document.fields,
            "searchText": document.search,
        });
        let key = format!("{id}:{}", document.hash);
        self.call("mutation", "contentResources:upsert", &args, &key).await.map(drop)
    }

    /// Removes a record.
    pub(crate) async fn remove(&self, id: &str) -> Result<()> {
        let args = json!({ "resourceId": id });
        self.call("mutation", "contentResources:remove", &args, id).await.map(drop)
    }

    async fn call(&self, kind: &str, path: &str, args: &Value, what: &str) -> Result<Value> {
        let token = outside::token(self.io, KEY)?;
        let request = self.io.http().post(format!("{}/api/{kind}", self.url));
        // A step makes many calls: each one has a key of its own, the same in each attempt.
        let key = format!("{}:{path}:{what}", self.io.idempotency_key());
        let answer: Value = request
            .header("authorization", format!("Convex {token}"))
            .header("idempotency-key", key)
            .json(&json!({ "path": path, "args": args, "format": "json" }))
            .timeout(PATIENCE)
            .send()
            .await?
            .ok()?
            .json()?;
        if answer["status"] == "success" {
            return Ok(answer["value"].clone());
        }
        let why = answer["errorMessage"].as_str().unwrap_or("it does not say why");
        Err(Error::retry(format!("Convex refused `{path}`: {why}")).named("Convex"))
    }
}
