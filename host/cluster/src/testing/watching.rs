//! The stream of a watch: one line of JSON for each change.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::path::Path;
use super::store::Change;
use super::{State, lock};

/// What a watch asks for.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) at: Path,
    pub(super) since: u64,
    pub(super) limit: Duration,
    pub(super) labels: Vec<(String, String)>,
}

/// Whether an object has these labels.
pub(super) fn is_labelled(object: &Value, labels: &[(String, String)]) -> bool {
    labels.iter().all(|(name, value)| object["metadata"]["labels"][name] == json!(value))
}

/// Changes, as they happen, until the time is over or the watch is cut.
pub(super) fn body(state: Arc<State>, asking: Asking) -> Body {
    let (news, cuts) = (state.news.subscribe(), state.cuts.subscribe());
    let until = Instant::now() + asking.limit;
    let begin = Some((state, asking, news, cuts));
    Body::from_stream(stream::unfold(begin, move |watching| async move {
        let (state, mut asking, mut news, mut cuts) = watching?;
        loop {
            news.borrow_and_update();
            let changes = lock(&state.store).since(asking.since, &asking.at);
            let Some(changes) = changes else {
                let gone = json!({"type": "ERROR", "object": gone()});
                return Some((Ok::<_, Infallible>(line(&gone)), None));
            };
            if let Some(last) = changes.last() {
                asking.since = last.version;
                let wanted = changes.iter().filter(|it| is_labelled(&it.object, &asking.labels));
                let lines: Vec<u8> = wanted.flat_map(told).collect();
                if !lines.is_empty() {
                    return Some((Ok(Bytes::from(lines)), Some((state, asking, news, cuts))));
                }
            }
            tokio::select! {
                more = news.changed() => more.ok()?,
                _ = cuts.changed() => return None,
                () = state.stop.cancelled() => return None,
                () = tokio::time::sleep_until(until) => return None,
            }
        }
    }))
}

fn told(change: &Change) -> Vec<u8> {
    let mut line = json!({"type": change.kind, "object": change.object}).to_string();
    line.push('\n');
    line.into_bytes()
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

/// What is said of a version that is forgotten.
pub(super) fn gone() -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410
    })
}
