//! The form of the second REST API: camel case, pages, faults in a list.

use std::str::FromStr;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::driver::Stopped;

/// An error as this API tells it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl From<Stopped> for Problem {
    fn from(stopped: Stopped) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", stopped.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"errors": [{"code": self.code, "message": self.message}]});
        (self.status, Json(body)).into_response()
    }
}

/// One thing; without `data` when there is none.
pub(super) fn single<T: Serialize>(data: Option<&T>) -> Response {
    let mut body = json!({"metadata": {"fetchedAt": Timestamp::now()}});
    if let Some(data) = data {
        body["data"] = json!(data);
    }
    Json(body).into_response()
}

/// Which part of a list is wanted.
#[derive(Debug, Default, Clone, Deserialize)]
pub(super) struct Paging {
    limit: Option<usize>,
    /// What the page before answered.
    cursor: Option<String>,
}

impl Paging {
    /// How many items the page has at most.
    pub(super) fn limit(&self, default: usize) -> usize {
        self.limit.unwrap_or(default).clamp(1, 100)
    }

    /// What the page before ended with; nothing where that cannot be read.
    pub(super) fn after<T: FromStr>(&self) -> Option<T> {
        self.cursor.as_deref()?.parse().ok()
    }

    /// Cuts the page out of a list, whose items are told apart by `name`.
    pub(super) fn page(
        &self,
        items: Vec<Value>,
        default: usize,
        name: impl Fn(&Value) -> &str,
    ) -> Response {
        let limit = self.limit(default);
        let after = self.cursor.as_ref();
        let found = after.and_then(|cursor| items.iter().position(|item| name(item) == cursor));
        let begin = found.map_or(0, |position| position + 1);
        let more = items.len() > begin + limit;
        let data: Vec<Value> = items.into_iter().skip(begin).take(limit).collect();
        let mut page = json!({"hasMore": more, "limit": limit});
        if let Some(last) = data.last().filter(|_| more) {
            page["cursor"] = json!(name(last));
        }
        let metadata = json!({"fetchedAt": Timestamp::now()});
        Json(json!({"data": data, "metadata": metadata, "page": page})).into_response()
    }
}
