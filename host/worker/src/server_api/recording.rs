//! A run as a recording: everything that the server tells of it.

use protocol::history::History;
use protocol::id::{AppId, FunctionId, RunId};
use protocol::recording::{Exactness, RecordedStatus, RecordedStep, Recording};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{ApiError, ServerApi, path, read};

/// What an event is, without what the server notes of it.
const MEMBERS: [&str; 6] = ["name", "data", "id", "ts", "user", "v"];

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

/// A run in the second API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    app: Named,
    function: Named,
    queued_at: Option<jiff::Timestamp>,
    ended_at: Option<jiff::Timestamp>,
    trigger: Trigger,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trigger {
    #[serde(default)]
    event_ids: Vec<String>,
}

/// A run in the first API, which is right about its status and tells its output as it is.
#[derive(Deserialize)]
struct Run {
    status: String,
    output: Option<Box<RawValue>>,
}

impl ServerApi {
    /// Everything that the server tells of a run. Values that workers encrypted still are.
    ///
    /// Of a run that has not ended, every Inngest server hands over what its calls carry. Of one that has ended, what is
    /// left is in its trace, as long as the server keeps that: our own engine tells it to the byte for a week, a real
    /// server about as it was; see [`Exactness`].
    pub async fn record(&self, id: RunId) -> Result<Recording, ApiError> {
        let run = id.to_string();
        let summary: Answer<Summary> = self.get(&["v2", "runs", &run], &[]).await?;
        let told: Answer<Run> = self.get(&["v1", "runs", &run], &[]).await?;
        let Summary { app, function, queued_at, ended_at, trigger } = summary.data;
        let named = |error: protocol::id::IdError| ApiError::Answer(error.to_string());
        let app: AppId = app.id.parse().map_err(named)?;
        let function: FunctionId = function.id.parse().map_err(named)?;
        let mut recording = Recording::new(id, app, function, status(&told.data.status)?);
        recording.queued_at = queued_at;
        recording.ended_at = ended_at;
        recording.output = told.data.output.filter(|_| recording.status.is_final());
        let trace = [("includeOutput", "true")];
        let history: Answer<History> = self.get(&["v2", "runs", &run, "trace"], &trace).await?;
        let parts =
            async { tokio::try_join!(self.run_state(id, "actions"), self.run_state(id, "batch")) };
        match parts.await {
            Ok((actions, batch)) => {
                recording.steps = exact(&actions, &history.data)?;
                recording.events = parsed(&batch)?;
            }
            Err(ApiError::Refused { status, .. }) if status == StatusCode::GONE.as_u16() => {
                let exact = history.data.is_exact();
                recording.memos = if exact { Exactness::State } else { Exactness::Trace };
                recording.steps = history.data.recorded();
                for event in &trigger.event_ids {
                    recording.events.push(self.event(event).await?);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(recording)
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ApiError> {
        let mut url = path(&self.api_origin, segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        read(self.authorized(|client| client.get(url.clone())).await?).await
    }

    async fn event(&self, id: &str) -> Result<Box<RawValue>, ApiError> {
        let mut event: Answer<Value> = self.get(&["v1", "events", id], &[]).await?;
        if let Some(members) = event.data.as_object_mut() {
            members.retain(|name, member| MEMBERS.contains(&name.as_str()) && !member.is_null());
        }
        to_raw_value(&event.data).map_err(|error| ApiError::Answer(error.to_string()))
    }
}

fn status(told: &str) -> Result<RecordedStatus, ApiError> {
    Ok(match told.to_ascii_uppercase().as_str() {
        "SCHEDULED" | "QUEUED" => RecordedStatus::Queued,
        "RUNNING" => RecordedStatus::Running,
        "COMPLETED" => RecordedStatus::Completed,
        "FAILED" => RecordedStatus::Failed,
        "CANCELLED" => RecordedStatus::Cancelled,
        "SKIPPED" => RecordedStatus::Skipped,
        other => return Err(ApiError::Answer(format!("the status {other:?} is not known here"))),
    })
}

/// What calls carry, in the order in which the steps ended; those that the trace does not tell of come last. Edited
/// inputs are of steps that have not ended.
fn exact(actions: &[u8], history: &History) -> Result<Vec<RecordedStep>, ApiError> {
    let mut memos: std::collections::BTreeMap<protocol::id::StepId, Box<RawValue>> =
        parsed(actions)?;
    memos.retain(|_, memo| {
        let value: Value = serde_json::from_str(memo.get()).unwrap_or_default();
        !value
            .as_object()
            .is_some_and(|members| members.len() == 1 && members.contains_key("input"))
    });
    let ended = history.recorded().into_iter();
    let mut steps: Vec<_> = ended
        .filter_map(|step| Some(RecordedStep { memo: memos.remove(&step.id)?, ..step }))
        .collect();
    steps.extend(memos.into_iter().map(|(id, memo)| RecordedStep {
        id,
        name: None,
        ended_at: None,
        memo,
    }));
    Ok(steps)
}

fn parsed<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(json).map_err(|error| ApiError::Answer(error.to_string()))
}
