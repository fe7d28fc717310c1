//! `POST /api/retire`: another worker has taken over (R27). This one stops registering, answers what still comes, and
//! ends when nothing has come for a while.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{Admin, answer};

/// Whether this worker was told that another one has taken over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retirement(CancellationToken);

impl Retirement {
    /// Begins it.
    pub(crate) fn begin(&self) {
        self.0.cancel();
    }

    /// Returns when it was begun.
    pub(crate) async fn begun(&self) {
        self.0.cancelled().await;
    }
}

#[derive(Serialize)]
struct Answer {
    ok: bool,
    retiring: bool,
    /// Calls that run now.
    calls: usize,
}

pub(super) async fn retire(State(admin): State<Arc<Admin>>) -> Response {
    tracing::info!("another worker has taken over: answering what runs, then ending");
    if let Some(registrar) = &admin.registrar {
        registrar.stand_down().await;
    }
    admin.retirement.begin();
    let registry = &admin.worker.registry;
    let number = registry.present().number();
    answer(
        StatusCode::ACCEPTED,
        number,
        &Answer { ok: true, retiring: true, calls: admin.worker.running() },
    )
}
