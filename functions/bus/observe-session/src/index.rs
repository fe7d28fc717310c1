//! The collection of observations in Typesense.

use serde_json::json;
use system_bus_sdk::http::Request;
use system_bus_sdk::prelude::*;

const COLLECTION: &str = "memory_observations";
/// The secret with the key.
const KEY: &str = "typesense_api_key";
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The collection, as one step reaches it.
pub(crate) struct Index<'a> {
    pub(crate) io: &'a Io,
    pub(crate) url: &'a str,
}

impl Index<'_> {
    /// The document nearest to each embedding, where one is near.
    pub(crate) async fn nearest(&self, embeddings: &[Vec<f32>]) -> Result<Vec<Option<Value>>> {
        let search = |numbers: &Vec<f32>| {
            let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            let near = format!("embedding:([{}], k:1, distance_threshold:0.5)", numbers.join(","));
            // In a body: a query of an address has 4000 bytes at most.
            json!({
                "collection": COLLECTION,
                "q": "*",
                "vector_query": near,
                "per_page": 1,
                "exclude_fields": "embedding",
            })
        };
        let searches: Vec<_> = embeddings.iter().map(search).collect();
        let request = self.io.http().post(format!("{}/multi_search", self.url));
        let told = self.send(request.json(&json!({ "searches": searches })), "search").await?;
        let told: Value = serde_json::from_str(&told).retry()?;
        let results = told["results"].as_array().filter(|all| all.len() == embeddings.len());
        let results = results.ok_or_else(|| Error::retry("Typesense left searches unanswered"))?;
        if let Some(error) = results.iter().find_map(|result| result["error"].as_str()) {
            return Err(
                Error::retry(format!("Typesense refuses a search: {error}")).named("Typesense")
            );
        }
        let first = |result: &Value| result["hits"].get(0).map(|hit| hit["document"].clone());
        Ok(results.iter().map(first).collect())
    }

    /// Puts documents in place; how many were taken, and how many were refused.
    pub(crate) async fn upsert(&self, documents: &[Value]) -> Result<(u64, u64)> {
        let lines: Vec<_> = documents.iter().map(ToString::to_string).collect();
        let url = format!("{}/collections/{COLLECTION}/documents/import?action=upsert", self.url);
        let request = self.io.http().post(url).header("content-type", "text/plain");
        let told = self.send(request.body(lines.join("\n")), "import").await?;
        let taken = told.lines().filter(|line| {
            serde_json::from_str::<Value>(line).is_ok_and(|line| line["success"] == true)
        });
        // What is not answered for was not taken.
        let (taken, all) = (taken.count() as u64, documents.len() as u64);
        Ok((taken, all.saturating_sub(taken)))
    }

    async fn send(&self, request: Request, what: &str) -> Result<String> {
        let request = request
            .header("X-TYPESENSE-API-KEY", outside::token(self.io, KEY)?)
            .header("idempotency-key", format!("{}:{what}", self.io.idempotency_key()))
            .timeout(PATIENCE);
        Ok(request.send().await?.ok()?.text()?)
    }
}
