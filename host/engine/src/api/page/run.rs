//! One run: its timeline, and what can be done with it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use page::document::View;
use page::run::{self, More, Outcome};
use protocol::id::RunId;

use super::form::Form;
use super::{Refused, Shared, logs, runs, shown};
use crate::driver::Memos;
use crate::machine::{FromStep, Machine, Rerun};
use crate::run::Run;
use crate::run::timeline::{End, Kind, Span};

/// `GET /runs/{id}`.
pub(super) async fn show(
    State(shared): State<Shared>,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    let id = parse(&text)?;
    let memos = shared.engine.memos(id).await?;
    let read = move |machine: &Machine| {
        let run = machine.run(id)?;
        let called = machine.app(&run.app).map(|app| app.registration.url.clone());
        Some((read(machine, run, &memos), called))
    };
    let (mut run, called) =
        shared.engine.read(read).await?.ok_or_else(|| Refused::no_run(&text))?;
    // A run that nobody was called for has said nothing.
    if let Some(called) = called.filter(|_| !run.spans.is_empty()) {
        logs::add(&mut run, id, &called, &shared.page.workers).await;
    }
    let live = !run.row.status.is_final();
    let title = format!("Run of {}", run.row.function);
    let body = run::view(&run, "", Some(&shared.page.token));
    Ok(shown(StatusCode::OK, &View { title, of: "/", live, body }))
}

/// `GET /runs/{id}/steps/{step}`: what calls carry for a step that has ended, whole.
pub(super) async fn step(
    State(shared): State<Shared>,
    Path((text, step)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let mut memos = shared.engine.memos(parse(&text)?).await?;
    let memo = step.parse().ok().and_then(|step| memos.remove(&step));
    let none = || {
        let message = format!("The run {text} has no step {step} that has ended.");
        Refused::new(StatusCode::NOT_FOUND, message)
    };
    let body = memo.map(Box::<str>::from).ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], String::from(body)).into_response())
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

/// `POST /runs/{id}/rerun`, from its top or from a step: the new run is shown.
pub(super) async fn rerun(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let form = Form::read(&shared.page, &body)?;
    let step = Some(form.member("step").to_owned()).filter(|step| !step.is_empty());
    let from = step.map(|step| FromStep { step, input: None });
    let rerun = Rerun { run: parse(&text)?, from };
    match shared.engine.rerun(rerun).await? {
        Ok(new) => Ok(Redirect::to(&format!("/runs/{new}")).into_response()),
        Err(error) => Err(Refused::new(StatusCode::NOT_FOUND, error.to_string())),
    }
}

fn parse(text: &str) -> Result<RunId, Refused> {
    text.parse().map_err(|_| Refused::no_run(text))
}

fn read(machine: &Machine, run: &Run, memos: &Memos) -> run::Run {
    let now = Timestamp::now();
    let mut spans: Vec<_> = run.timeline.spans().iter().map(|span| stretch(span, now)).collect();
    let mut memos: BTreeMap<_, _> =
        memos.iter().map(|(step, memo)| (step.to_string(), memo.get())).collect();
    // It belongs to the attempt that ended the step: the last one.
    for span in spans.iter_mut().rev() {
        let memo = span.step.as_ref().and_then(|step| memos.remove(step));
        span.more.memo = memo.map(str::to_owned);
    }
    let events = run.events.iter().map(|id| {
        let name = machine.event(*id).map_or("an event that is gone", |event| &event.name);
        (id.to_string(), name.to_owned())
    });
    run::Run {
        row: runs::row(run),
        events: events.collect(),
        cron: run.cron.clone(),
        output: run.output.as_ref().map(|output| output.get().to_owned()),
        spans,
        outside: Vec::new(),
        notes: Vec::new(),
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
        more: More::default(),
    }
}
