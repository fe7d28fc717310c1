//! What workers tell of themselves. The engine knows what they registered; where functions run, and which version is
//! active, only a worker knows.

use std::time::Duration;

use axum::http::StatusCode;
use reqwest::Client;
use serde::de::DeserializeOwned;
use url::Url;

use crate::api::is_local;
use crate::caller::explain;

/// How long a worker may take: somebody waits for the page.
const PATIENCE: Duration = Duration::from_secs(2);
/// The largest answer taken in.
const LARGEST: usize = 4 * 1024 * 1024;

/// Asks workers; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Workers(Client);

impl Workers {
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    /// What the worker that is called at this address answers at a path of its own, with this query; or why that is not
    /// known.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        called: &str,
        path: &str,
        query: Option<&str>,
    ) -> Result<T, String> {
        let url = Url::parse(called).ok().filter(|url| url.scheme() == "http");
        let Some(mut url) = url.filter(|url| is_local(url.as_str())) else {
            return Err("Its worker is not called at an address of this machine, so the engine does not ask it. Its own page, /page, tells more.".to_owned());
        };
        url.set_query(query);
        url.set_path(path);
        let away = |reason: String| format!("Its worker did not tell at {url}: {reason}.");
        let sending = self.0.get(url.clone()).timeout(PATIENCE).send();
        let mut response = sending.await.map_err(|error| away(explain(&error)))?;
        if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(format!(
                "Its worker tells this only to somebody with its token: open {} there.",
                url.join("/page").map_or_else(|_| "/page".to_owned(), String::from)
            ));
        }
        if !response.status().is_success() {
            return Err(away(format!("it answered {}", response.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| away(explain(&error)))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(away("its answer is larger than 4 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|error| away(error.to_string()))
    }
}
