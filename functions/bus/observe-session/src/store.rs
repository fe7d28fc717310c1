//! Storing observations: what is known already is merged with what is there.

use outside::uuid;
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::dashboard;
use crate::embedding::embeddings;
use crate::gate::{Verdict, words};
use crate::index::Index;
use crate::observer::Observation;
use crate::report::Counts;
use crate::session::Session;
use crate::settings::Settings;

/// How alike two texts are that say the same.
const ALIKE: f64 = 0.85;
/// What is known of an older one and stays.
const TAXONOMY: &str = "v1";

/// The id of an observation: the same whenever the same part of a session says the same.
pub(crate) fn id(session: &Session, observation: &Observation) -> String {
    uuid(&format!("{}\n{}", session.dedupe_key, observation.text))
}

/// Stores what the gate lets through.
pub(crate) async fn store(io: &Io, session: &Session, all: &[Observation]) -> Result<Counts> {
    let settings = Settings::read(io);
    let mut counts = Counts::of(all);
    let written: Vec<_> = all.iter().filter(|one| one.gate.verdict != Verdict::Discard).collect();
    if written.is_empty() {
        return Ok(counts);
    }
    let index = Index { io, url: &settings.typesense };
    let texts: Vec<_> = written.iter().map(|one| one.text.as_str()).collect();
    let (embeddings, made_here) = embeddings(io, settings.embed.as_deref(), &texts).await;
    let near = index.nearest(&embeddings).await?;
    let mut documents: Vec<Value> = Vec::new();
    for ((observation, embedding), near) in written.iter().zip(&embeddings).zip(&near) {
        let document = document(session, observation, embedding, near.as_ref());
        if document["merged_count"].as_u64() > Some(1) {
            counts.merged_count += 1;
        }
        // Two that are like the same older one become that one; the later words count.
        documents.retain(|known| known["id"] != document["id"]);
        documents.push(document);
    }
    (counts.stored_count, counts.errors) = index.upsert(&documents).await?;
    if made_here {
        counts.embedding_fallback_count = written.len() as u64;
    }
    if let Some(url) = &settings.convex {
        counts.dashboard_errors = dashboard::write(io, url, &documents).await;
    }
    Ok(counts)
}

/// The document of an observation: a new one, or the nearest one with it merged in.
fn document(
    session: &Session,
    observation: &Observation,
    embedding: &[f32],
    near: Option<&Value>,
) -> Value {
    let own = id(session, observation);
    let at = session.captured_at;
    let gate = &observation.gate;
    let mut document = json!({
        "id": own,
        "session_id": session.session_id,
        "observation": observation.text,
        "observation_type": observation.kind,
        "source": session.trigger,
        "timestamp": at.as_second(),
        "updated_at": at.to_string(),
        "merged_count": 1,
        "merged_by": own,
        "write_verdict": gate.verdict,
        "write_confidence": gate.confidence,
        "write_reason": gate.reason,
        "write_gate_version": "v1",
        "write_gate_fallback": gate.fallback,
        "category_id": gate.category,
        "category_confidence": gate.category_confidence,
        "category_source": gate.category_source,
        "taxonomy_version": TAXONOMY,
        "embedding": embedding,
    });
    let Some(near) = near.filter(|near| says_the_same(near, &observation.text)) else {
        return document;
    };
    let merged = near["merged_count"].as_u64().unwrap_or(1);
    // The same observation again, of a step that ran twice or of a session that was sent twice, adds nothing.
    let again = near["id"] == document["id"] || near["merged_by"] == document["id"];
    document["merged_count"] = json!(if again { merged } else { merged + 1 });
    for kept in ["id", "session_id", "observation_type", "timestamp", "supersedes"] {
        if !near[kept].is_null() {
            document[kept] = near[kept].clone();
        }
    }
    document
}

/// Whether a document says what this text says, and nothing has taken its place.
fn says_the_same(near: &Value, text: &str) -> bool {
    let known = near["observation"].as_str().unwrap_or_default();
    near["id"].is_string() && near["superseded_by"].is_null() && likeness(known, text) >= ALIKE
}

/// How many of the words of two texts are in both: 1 where all are.
#[expect(clippy::cast_precision_loss, reason = "texts have few words")]
pub(crate) fn likeness(one: &str, other: &str) -> f64 {
    let (one, other) = (words(one), words(other));
    let both = one.iter().filter(|word| other.binary_search(word).is_ok()).count();
    let all = one.len() + other.len() - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}
