//! `GET /events` and `GET /events/{id}`.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use page::document::View;
use page::events::{self, Events, Row};

use super::runs::{self, Asked, pages};
use super::{ROWS, Refused, Shared, shown};
use crate::event::{Event, EventId};
use crate::machine::Machine;

pub(super) async fn list(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let live = asked.before.is_none() && asked.after.is_none();
    let read = move |machine: &Machine| {
        let part = machine.part_of_events(asked.place(), ROWS);
        let rows = part.rows.iter().map(|event| row(machine, event)).collect();
        let pages = pages(&part, machine.counts().1, Vec::new(), |event| event.id.to_string());
        Events { rows, pages }
    };
    let body = events::list(&shared.engine.read(read).await?, "");
    Ok(shown(StatusCode::OK, &View { title: "Events".to_owned(), of: "/events", live, body }))
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    let gone = || Refused::new(StatusCode::NOT_FOUND, format!("There is no event {text}."));
    let id: EventId = text.parse().map_err(|_| gone())?;
    let read = move |machine: &Machine| {
        machine.event(id).map(|event| events::Event {
            row: row(machine, event),
            body: event.body.get().to_owned(),
            runs: machine.runs_of(id).map(runs::row).collect(),
            now: Timestamp::now(),
        })
    };
    let event = shared.engine.read(read).await?.ok_or_else(gone)?;
    let live = event.runs.iter().any(|run| !run.status.is_final());
    let body = events::one(&event, "", true);
    let title = event.row.name.clone();
    Ok(shown(StatusCode::OK, &View { title, of: "/events", live, body }))
}

fn row(machine: &Machine, event: &Event) -> Row {
    Row {
        id: event.id.to_string(),
        name: event.name.clone(),
        received_at: event.received_at,
        runs: machine.runs_of(event.id).count(),
    }
}
