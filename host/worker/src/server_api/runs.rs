//! Runs on the server: which of a function's are unfinished, and what one of them has behind it.

use protocol::call::{Call, Route};
use protocol::history::History;
use protocol::id::{AppId, FunctionId, RunId, StepId};
use reqwest::StatusCode;
use serde::Deserialize;

use super::{ApiError, ServerApi, path, read};

/// How many runs are asked for at once; the server's own limit.
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Listed {
    id: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    page: Option<Page>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    has_more: bool,
    cursor: Option<String>,
}

impl ServerApi {
    /// The unfinished runs of a function, the latest first, at most `cap` of them: what is queued, what runs, and what
    /// sleeps or waits. None at all for a function or an app that the server does not know.
    pub async fn unfinished(
        &self,
        app: &AppId,
        function: &FunctionId,
        cap: usize,
    ) -> Result<Vec<RunId>, ApiError> {
        let mut runs = Vec::new();
        let mut cursor: Option<String> = None;
        while runs.len() < cap {
            // Under its short id: by its slug the server finds none.
            let segments = ["v2", "apps", app.as_str(), "functions", function.as_str(), "runs"];
            let mut url = path(&self.api_origin, &segments);
            url.query_pairs_mut()
                .append_pair("status", "RUNNING")
                .append_pair("status", "QUEUED")
                .append_pair("limit", &(cap - runs.len()).min(PAGE).to_string())
                .extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
            let answer = self.authorized(|client| client.get(url.clone())).await?;
            let answer: Answer<Vec<Listed>> = read(answer).await?;
            for listed in answer.data.unwrap_or_default() {
                let id = listed.id.parse::<RunId>();
                runs.push(id.map_err(|error| ApiError::Answer(error.to_string()))?);
            }
            match answer.page {
                // A page that leads to itself would never end.
                Some(Page { has_more: true, cursor: Some(next) })
                    if cursor.as_ref() != Some(&next) =>
                {
                    cursor = Some(next);
                }
                _ => break,
            }
        }
        runs.truncate(cap);
        Ok(runs)
    }

    /// The call that would carry on an unfinished run, made of what the server keeps of it: good for a replay. None when
    /// the run has ended meanwhile. Values may still be encrypted.
    pub async fn parked(
        &self,
        app: &AppId,
        function: &FunctionId,
        run: RunId,
    ) -> Result<Option<Call>, ApiError> {
        let state = async {
            tokio::try_join!(self.run_state(run, "actions"), self.run_state(run, "batch"))
        };
        let ((actions, batch), order) = match state.await {
            Ok(state) => (state, self.completed(run).await?),
            Err(ApiError::Refused { status, .. }) if status == StatusCode::GONE.as_u16() => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let fault = |error: protocol::call::CallError| ApiError::Answer(error.to_string());
        let route = Route::new(&app.slug(function), None).map_err(fault)?;
        Call::parked(route, run, &actions, &batch, &order).map(Some).map_err(fault)
    }

    /// In which order the steps of a run have ended; empty where the server does not tell: their order is then the one
    /// of the stored results.
    async fn completed(&self, run: RunId) -> Result<Vec<StepId>, ApiError> {
        let url = path(&self.api_origin, &["v2", "runs", &run.to_string(), "trace"]);
        let response = self.authorized(|client| client.get(url.clone())).await?;
        match read::<Answer<History>>(response).await {
            Ok(answer) => Ok(answer.data.map(|history| history.completed()).unwrap_or_default()),
            Err(error @ ApiError::Unreachable { .. }) => Err(error),
            Err(error) => {
                tracing::debug!(%run, %error, "the server does not tell the order of a run's steps");
                Ok(Vec::new())
            }
        }
    }
}
