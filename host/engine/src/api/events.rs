//! Events: sending and reading them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::event::{EventError, NewEvent};
use protocol::header;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Fault, wrapped};
use crate::event::{Event, EventId, Seed};
use crate::machine::Incoming;

/// The largest event.
const LARGEST: usize = 3 * 1024 * 1024;

/// `POST /e/{key}`: one event or an array of them. Those before a bad one are accepted.
pub(super) async fn send(
    State(shared): State<Shared>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let keys = &shared.access.event_keys;
    if !keys.is_empty() && !keys.contains(&key) {
        let problem = "Event key not found; send with one of the engine's event keys";
        return told(StatusCode::UNAUTHORIZED, &[], Some(problem));
    }
    let seed = headers.get(header::EVENT_ID_SEED).and_then(|seed| Seed::parse(seed.to_str().ok()?));
    let (events, problem) = parse(&body);
    match shared.engine.receive(Incoming { events, seed }).await {
        Err(stopped) => told(StatusCode::SERVICE_UNAVAILABLE, &[], Some(&stopped.to_string())),
        Ok(ids) if problem.is_some() => told(StatusCode::BAD_REQUEST, &ids, problem.as_deref()),
        Ok(ids) => told(StatusCode::OK, &ids, None),
    }
}

/// The events before the first bad one, and what is wrong with that.
pub(super) fn parse(body: &[u8]) -> (Vec<NewEvent>, Option<String>) {
    let (mut events, mut problem) = match NewEvent::parse_all(body) {
        Ok(events) => (events, None),
        Err(error @ EventError::Refused { index, .. }) => {
            let all: Vec<&RawValue> = serde_json::from_slice(body).unwrap_or_default();
            let good = all.iter().take(index).map(|raw| NewEvent::parse_all(raw.get().as_bytes()));
            let good = good.filter_map(Result::ok).flatten().collect();
            (good, Some(error.to_string()))
        }
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    if let Some(large) = events.iter().position(|event| event.data.get().len() > LARGEST) {
        events.truncate(large);
        problem = Some(format!("event {large}: it is larger than 3 MiB"));
    }
    if let Some(deep) = events.iter().position(|event| !readable(event)) {
        events.truncate(deep);
        problem = Some(format!(
            "event {deep}: its data is nested too deeply; the most is about 120 levels"
        ));
    }
    (events, problem)
}

/// Whether an event can be read again, within the envelopes it will travel in.
fn readable(event: &NewEvent) -> bool {
    let user = event.user.as_ref().map_or("null", |user| user.get());
    let enveloped = format!("[[[[{},{user}]]]]", event.data.get());
    serde_json::from_str::<serde_json::Value>(&enveloped).is_ok()
}

fn told(status: StatusCode, ids: &[EventId], problem: Option<&str>) -> Response {
    let mut body = json!({"ids": ids, "status": status.as_u16()});
    if let Some(problem) = problem {
        body["error"] = json!(problem);
    }
    (status, Json(body)).into_response()
}

/// `GET /v1/events/{id}`.
pub(super) async fn event(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = parse_id(&id)?;
    let event = shared.engine.read(move |machine| machine.event(id).cloned()).await?;
    let event = event.ok_or_else(|| missing(id))?;
    Ok(wrapped(&shown(&event)))
}

/// An event as the first API shows it.
pub(super) fn shown(event: &Event) -> Value {
    let mut data = event.json();
    data["internal_id"] = json!(event.id);
    data["received_at"] = json!(event.received_at);
    data
}

/// An event's id from a path.
pub(super) fn parse_id(text: &str) -> Result<EventId, Fault> {
    text.parse().map_err(|_| {
        let message = format!("{text:?} is no event id; use an id that the event API answered");
        Fault::new(StatusCode::BAD_REQUEST, message)
    })
}

/// That there is no such event.
pub(super) fn missing(id: EventId) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, format!("there is no event {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_again_is_refused_and_what_came_before_it_is_kept() {
        let nested = |levels: usize| {
            let data = format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
            format!(r#"[{{"name":"a/b"}},{{"name":"a/b","data":{data}}}]"#)
        };
        let (events, problem) = parse(nested(100).as_bytes());
        assert_eq!((events.len(), problem), (2, None));
        for levels in [127, 5_000] {
            let (events, problem) = parse(nested(levels).as_bytes());
            assert_eq!(events.len(), 1, "{levels}");
            assert!(problem.is_some_and(|problem| problem.contains("event 1: its data is nested")));
        }
    }
}
