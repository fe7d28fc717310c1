//! The history of events: what came, narrowed and cut into pages.

use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Shared;
use super::answer::{Fault, wrapped};
use super::events::{parse_id, shown};
use crate::event::{Event, EventId};
use crate::machine::Machine;

/// How many events a page has unless asked otherwise, and at most.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;

/// What the history may be narrowed to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    limit: Option<usize>,
    /// The `internal_id` of the last event of the page before.
    cursor: Option<String>,
    name: Option<String>,
    received_after: Option<Timestamp>,
    received_before: Option<Timestamp>,
}

impl Asked {
    /// Whether an event belongs into the answer. The moments themselves do not.
    fn lets_pass(&self, event: &Event, cursor: Option<EventId>) -> bool {
        cursor.is_none_or(|cursor| event.id < cursor)
            && self.name.as_ref().is_none_or(|name| event.name == *name)
            && self.received_after.is_none_or(|after| event.received_at > after)
            && self.received_before.is_none_or(|before| event.received_at < before)
    }
}

/// `GET /v1/events`: the latest first, those that the engine makes among them.
pub(super) async fn events(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let cursor = asked.cursor.as_deref().map(parse_id).transpose()?;
    let most = asked.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    let read = move |machine: &Machine| -> Vec<Value> {
        let found = machine.events().filter(|event| asked.lets_pass(event, cursor));
        found.take(most).map(shown).collect()
    };
    Ok(wrapped(&shared.engine.read(read).await?))
}
