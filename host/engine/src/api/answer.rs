//! The forms of answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::driver::Stopped;

/// An error as most routes tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, stopped.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({"error": self.message, "data": null, "status": self.status.as_u16()});
        (self.status, Json(body)).into_response()
    }
}

/// An answer of the first REST API: wrapped, with the time of reading.
pub(super) fn wrapped<T: Serialize>(data: &T) -> Response {
    let now = Timestamp::now();
    let metadata = json!({"fetched_at": now, "cached_until": now});
    Json(json!({"data": data, "metadata": metadata})).into_response()
}
