//! `GET /api/logs?run=ID[&step=NAME]`: what a run has logged last, as far as this worker still has it.
//!
//! A worker keeps the last lines in memory, for somebody who looks at a run; what stays is its own log. See
//! [`runtime::logging::recent`] for how much is kept.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::id::RunId;
use runtime::logging::recent::Lines;
use serde::{Deserialize, Serialize};

use super::{Admin, answer, refusal};

/// What the query says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    run: String,
    /// The name of a step, or its hash: only what was logged in its body.
    step: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    run: RunId,
    #[serde(flatten)]
    told: Lines,
}

pub(super) async fn logs(
    State(admin): State<Arc<Admin>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let bad = |message: String| refusal(StatusCode::BAD_REQUEST, "bad-request", message);
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => return bad(error.body_text()),
    };
    let Ok(run) = asked.run.parse::<RunId>() else {
        return bad(format!("{:?} is not the id of a run", asked.run));
    };
    let registry = &admin.worker.registry;
    let mut told = registry.logged(run);
    if let Some(step) = &asked.step {
        told.lines.retain(|line| {
            line.name.as_deref() == Some(step)
                || line.step.is_some_and(|id| id.to_string() == *step)
        });
    }
    answer(StatusCode::OK, registry.present().number(), &Shown { run, told })
}
