//! Apps on the server: registering ours, and reading back what the server made of it.

use protocol::header;
use protocol::id::AppId;
use protocol::sync::{FRAMEWORK, HeldFunction, SyncPayload, Synced};
use reqwest::StatusCode;
use serde::Deserialize;

use super::{ApiError, ServerApi, join, path, read, shortened};

/// What came along with a request to sync, and goes on to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncRequest {
    /// The kind of server that asked.
    pub server_kind: Option<String>,
    /// The deploy that it asked for.
    pub deploy_id: Option<String>,
}

/// Refusals of the payload's form begin so. They are told at once and never stored on the app.
const TOLD_AT_ONCE: [&str; 2] = ["Invalid request", "Expected server kind"];

impl ServerApi {
    /// Tells the server what we have.
    pub async fn register(
        &self,
        app: &AppId,
        payload: &SyncPayload,
        asked: &SyncRequest,
    ) -> Result<Synced, ApiError> {
        let mut url = join(&self.api_origin, "fn/register");
        if let Some(deploy) = &asked.deploy_id {
            url.query_pairs_mut().append_pair("deployId", deploy);
        }
        let response = self
            .authorized(|client| {
                let mut request = client
                    .post(url.clone())
                    .header(header::FRAMEWORK, FRAMEWORK)
                    .header(header::SYNC_KIND, "out_of_band");
                if let Some(kind) = &asked.server_kind {
                    request = request.header(header::EXPECTED_SERVER_KIND, kind);
                }
                request.json(payload)
            })
            .await?;
        match read(response).await {
            Err(ApiError::Refused { status, message }) => {
                let message = match self.reason(app, status, &message).await {
                    Some(reason) => format!("{message}: {reason}"),
                    None => message,
                };
                Err(ApiError::Refused { status, message })
            }
            answer => answer,
        }
    }

    /// The functions that the server has for an app.
    pub async fn functions(&self, app: &AppId) -> Result<Vec<HeldFunction>, ApiError> {
        let mut url = join(&self.api_origin, &format!("v1/apps/{app}/functions"));
        // The server caches this answer by its address.
        let moment = jiff::Timestamp::now().as_millisecond();
        url.query_pairs_mut().append_pair("at", &moment.to_string());
        read(self.authorized(|client| client.get(url.clone())).await?).await
    }

    /// The apps that have functions on the server, ours among them.
    pub async fn apps(&self) -> Result<Vec<AppId>, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            data: Vec<Listed>,
            page: Option<Page>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Listed {
            id: String,
            function_count: Option<u64>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            #[serde(default)]
            has_more: bool,
            cursor: Option<String>,
        }
        let mut apps = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut url = path(&self.api_origin, &["v2", "apps"]);
            url.query_pairs_mut()
                .append_pair("limit", "100")
                .extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
            let answer = self.authorized(|client| client.get(url.clone())).await?;
            let answer: Answer = read(answer).await?;
            let listed = answer.data.into_iter().filter(|app| app.function_count != Some(0));
            // An app whose name cannot be one of ours cannot be asked about either.
            apps.extend(listed.filter_map(|app| app.id.parse::<AppId>().ok()));
            match answer.page {
                // A page that leads to itself would never end.
                Some(Page { has_more: true, cursor: Some(next) })
                    if cursor.as_ref() != Some(&next) =>
                {
                    cursor = Some(next);
                }
                _ => return Ok(apps),
            }
        }
    }

    /// Why the server refused our functions. Its refusal does not say which rule was broken by what, but it keeps the
    /// reason with the app.
    async fn reason(&self, app: &AppId, status: u16, message: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Answer {
            data: Option<App>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct App {
            latest_sync: Option<Sync>,
        }
        #[derive(Deserialize)]
        struct Sync {
            error: Option<String>,
        }
        let stored = status == StatusCode::BAD_REQUEST.as_u16()
            && !TOLD_AT_ONCE.iter().any(|begins| message.starts_with(begins));
        if !stored {
            return None;
        }
        let url = join(&self.api_origin, &format!("v2/apps/{app}"));
        // It is only the better half of an error text: without it, the worse half has to do.
        let response = self.authorized(|client| client.get(url.clone())).await.ok()?;
        let answer: Answer = read(response).await.ok()?;
        let error = answer.data?.latest_sync?.error?;
        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
        (!error.is_empty()).then(|| shortened(&error))
    }
}
