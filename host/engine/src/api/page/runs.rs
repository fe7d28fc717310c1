//! `GET /`: runs.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use page::document::View;
use page::runs::{Filter, Row, Runs};
use page::{Pages, Status as Shown};
use serde::Deserialize;

use super::{ROWS, Refused, Shared, shown};
use crate::machine::{Machine, Part, Place};
use crate::run::{Run, Status};

/// Which part of a list is wanted, and of what.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    status: String,
    function: String,
}

impl Asked {
    /// The part; what names none is the first.
    pub(super) fn place<K: std::str::FromStr>(&self) -> Place<K> {
        let parse = |id: &Option<String>| id.as_ref().and_then(|id| id.parse().ok());
        match (parse(&self.before), parse(&self.after)) {
            (Some(id), _) => Place::Before(id),
            (None, Some(id)) => Place::After(id),
            (None, None) => Place::First,
        }
    }
}

pub(super) async fn list(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let live = asked.before.is_none() && asked.after.is_none();
    let runs = shared.engine.read(move |machine| read(machine, &asked)).await?;
    let body = page::runs::view(&runs, "");
    Ok(shown(StatusCode::OK, &View { title: "Runs".to_owned(), of: "/", live, body }))
}

fn read(machine: &Machine, asked: &Asked) -> Runs {
    let filter = Filter {
        status: Shown::parse(&asked.status),
        function: Some(asked.function.clone()).filter(|function| !function.is_empty()),
    };
    let wanted = |run: &Run| {
        filter.status.is_none_or(|wanted| status(run.status) == wanted)
            && filter.function.as_ref().is_none_or(|wanted| run.slug == *wanted)
    };
    let part = machine.part_of_runs(asked.place(), ROWS, wanted);
    let kept = vec![("status", asked.status.clone()), ("function", asked.function.clone())];
    let rows: Vec<Row> = part.rows.iter().map(|run| row(run)).collect();
    let pages = pages(&part, machine.counts().0, kept, |run| run.id.to_string());
    let functions = machine.apps().flat_map(|app| &app.functions);
    let functions = functions.map(|function| function.slug.clone()).collect();
    Runs { rows, pages, filter, functions, now: Timestamp::now() }
}

/// Where the rest of a list is.
pub(super) fn pages<T>(
    part: &Part<T>,
    total: usize,
    kept: Vec<(&'static str, String)>,
    id: impl Fn(&T) -> String,
) -> Pages {
    Pages {
        total,
        newer: part.rows.first().filter(|_| part.newer).map(&id),
        older: part.rows.last().filter(|_| part.older).map(&id),
        kept,
    }
}

/// A run as a list shows it.
pub(super) fn row(run: &Run) -> Row {
    Row {
        id: run.id.to_string(),
        function: run.slug.clone(),
        status: status(run.status),
        queued_at: run.queued_at,
        started_at: run.started_at,
        ended_at: run.ended_at,
    }
}

fn status(status: Status) -> Shown {
    match status {
        Status::Scheduled => Shown::Queued,
        Status::Running => Shown::Running,
        Status::Completed => Shown::Completed,
        Status::Failed => Shown::Failed,
        Status::Cancelled => Shown::Canceled,
        Status::Skipped => Shown::Skipped,
    }
}
