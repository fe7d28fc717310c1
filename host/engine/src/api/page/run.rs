//! One run: its timeline, and what can be done with it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use page::document::View;
use page::run::{self, Outcome};
use protocol::id::RunId;

use super::form::Form;
use super::{Refused, Shared, runs, shown};
use crate::machine::{Machine, Rerun};
use crate::run::Run;
use crate::run::timeline::{End, Kind, Span};

/// `GET /runs/{id}`.
pub(super) async fn show(
    State(shared): State<Shared>,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    let id = parse(&text)?;
    let read = move |machine: &Machine| machine.run(id).map(|run| read(machine, run));
    let run = shared.engine.read(read).await?.ok_or_else(|| Refused::no_run(&text))?;
    let live = !run.row.status.is_final();
    let title = format!("Run of {}", run.row.function);
    let body = run::view(&run, "", Some(&shared.page.token));
    Ok(shown(StatusCode::OK, &View { title, of: "/", live, body }))
}

/// `POST /runs/{id}/cancel`. One that has ended meanwhile is shown as it ended.
pub(super) async fn cancel(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    Form::read(&shared.page, &body)?;
    let id = parse(&text)?;
    shared.engine.cancel(id).await?.ok_or_else(|| Refused::no_run(&text))?;
    Ok(Redirect::to(&format!("/runs/{id}")).into_response())
}

/// `POST /runs/{id}/rerun`: the new run is shown.
pub(super) async fn rerun(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    Form::read(&shared.page, &body)?;
    let rerun = Rerun { run: parse(&text)?, from: None };
    match shared.engine.rerun(rerun).await? {
        Ok(new) => Ok(Redirect::to(&format!("/runs/{new}")).into_response()),
        Err(error) => Err(Refused::new(StatusCode::NOT_FOUND, error.to_string())),
    }
}

fn parse(text: &str) -> Result<RunId, Refused> {
    text.parse().map_err(|_| Refused::no_run(text))
}

fn read(machine: &Machine, run: &Run) -> run::Run {
    let now = Timestamp::now();
    let events = run.events.iter().map(|id| {
        let name = machine.event(*id).map_or("an event that is gone", |event| &event.name);
        (id.to_string(), name.to_owned())
    });
    run::Run {
        row: runs::row(run),
        events: events.collect(),
        cron: run.cron.clone(),
        output: run.output.as_ref().map(|output| output.get().to_owned()),
        spans: run.timeline.spans().iter().map(|span| stretch(span, now)).collect(),
        now,
    }
}

fn stretch(span: &Span, now: Timestamp) -> run::Span {
    let own = matches!(span.kind, Kind::Body | Kind::Call);
    run::Span {
        step: span.step.map(|step| step.to_string()),
        name: span.name.clone(),
        kind: match span.kind {
            Kind::Body => "step",
            Kind::Call => "call of the function",
            Kind::Sleep => "sleep",
            Kind::Event => "wait for an event",
            Kind::Signal => "wait for a signal",
            Kind::Invoke => "another function",
            Kind::Request => "request by the engine",
            Kind::Kept => "kept from the run before",
        },
        attempt: span.attempt,
        queued_at: span.queued_at,
        started_at: span.started_at,
        ended_at: span.ended_at,
        queued: span.queued(now),
        host: span.host(now),
        guest: span.guest(now),
        waited: if own { Duration::ZERO } else { span.lasted(now) },
        until: span.until,
        outcome: match &span.end {
            None => Outcome::Open,
            Some(End::Done) => Outcome::Done,
            Some(End::TimedOut) => Outcome::TimedOut,
            Some(End::Left) => Outcome::Left,
            Some(End::Failed { message, again }) => {
                Outcome::Failed { message: message.clone(), again: *again }
            }
        },
    }
}
