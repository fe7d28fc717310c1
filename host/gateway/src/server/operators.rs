//! What operators ask of the gateway.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{answer, refusal};
use crate::Shared;
use crate::drain::Draining;
use crate::provider::Trust;
use crate::spool::{Letter, SpoolError};

/// `GET /api/webhooks`.
pub(super) async fn state(State(shared): State<Arc<Shared>>) -> Response {
    let counted = shared.counters.all();
    let providers: Vec<Value> = shared
        .providers
        .iter()
        .map(|provider| {
            json!({
                "name": provider.name,
                "path": format!("/webhooks/{}", provider.name),
                "ready": provider.is_ready(&*shared.secrets),
                "secrets": provider.secrets().collect::<Vec<_>>(),
                "insecure": provider.trust == Trust::Everybody,
                "counted": counted.get(&provider.name).cloned().unwrap_or_default(),
            })
        })
        .collect();
    let (events, bytes) = shared.spool.waiting();
    let held = match &*shared.draining.borrow() {
        Draining::Well => Value::Null,
        Draining::Held(why) => json!(why),
    };
    let spool = json!({ "events": events, "bytes": bytes, "held": held });
    answer(StatusCode::OK, &json!({ "ok": true, "providers": providers, "spool": spool }))
}

/// `GET /readyz`. A gateway that is full refuses what comes; another one may have room.
pub(super) async fn readiness(State(shared): State<Arc<Shared>>) -> Response {
    let (events, bytes) = shared.spool.waiting();
    let ready = !shared.spool.is_full();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &json!({ "ready": ready, "spool": { "events": events, "bytes": bytes } }))
}

/// `GET /api/webhooks/dead`.
pub(super) async fn dead(State(shared): State<Arc<Shared>>) -> Response {
    let dead = shared.spool.dead().clone();
    match blocking(move || dead.all()).await {
        // Without the events: they are as large and as deep as senders like, and whoever asks has to read the answer.
        Ok(letters) => {
            let letters: Vec<Value> = letters.iter().map(shown).collect();
            answer(StatusCode::OK, &json!({ "ok": true, "letters": letters }))
        }
        Err(error) => failed(&error),
    }
}

/// A letter, but for its event.
fn shown(letter: &Letter) -> Value {
    let entry = &letter.entry;
    json!({
        "letter": letter.letter, "why": letter.why, "died": letter.died, "provider": entry.provider, "id": entry.id,
        "accepted": Timestamp::from_millisecond(entry.at).ok(), "trace": entry.trace,
        "bytes": entry.event.get().len(),
    })
}

/// `POST /api/webhooks/dead/{letter}/replay`.
pub(super) async fn replay(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Response {
    let (dead, wanted) = (shared.spool.dead().clone(), name.clone());
    let letter = match blocking(move || dead.get(&wanted)).await {
        Ok(Some(letter)) => letter,
        Ok(None) => {
            return refusal(
                StatusCode::NOT_FOUND,
                &format!("there is no dead letter {name}; `system-bus webhooks dead` lists them"),
                None,
            );
        }
        Err(error) => return failed(&error),
    };
    let mut entry = letter.entry.clone();
    // It has waited long enough: its time begins anew.
    entry.at = Timestamp::now().as_millisecond();
    entry.replay = true;
    // In the spool before it is gone here: at worst there are two, and the server knows them by their id.
    if let Err(error) = shared.spool.put(vec![entry], true).await {
        return failed(&error);
    }
    tracing::info!(letter = letter.letter, id = letter.entry.id, "a dead letter is sent again");
    let (dead, id) = (shared.spool.dead().clone(), letter.entry.id.clone());
    match blocking(move || dead.remove(&letter)).await {
        Ok(()) => answer(StatusCode::OK, &json!({ "ok": true, "letter": name, "id": id })),
        Err(error) => failed(&error),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SpoolError::Closed)?
}

fn failed(error: &SpoolError) -> Response {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), None)
}
