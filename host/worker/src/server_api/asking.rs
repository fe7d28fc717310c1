//! What an operator asks of the server: its lists and single things, as it tells them.

use protocol::signature::Trust;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::{ApiError, NO_EVENT_KEY, ServerApi, TIMEOUT, innermost, join, keys, path, shortened};

/// Lists have pages; whoever asks for more than this asks for something else.
const PAGES: usize = 100;

impl ServerApi {
    /// A client for an operator, who is no worker and may send events.
    pub fn operating(
        trust: &Trust,
        api_origin: Url,
        events: (Url, Option<String>),
        env: Option<String>,
    ) -> Result<Self, reqwest::Error> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (event_api_origin, event_key) = events;
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            api_origin,
            event_api_origin,
            event_key: event_key.unwrap_or_else(|| NO_EVENT_KEY.to_owned()),
            keys: keys(trust),
            env,
        })
    }

    /// Where it is.
    pub fn origin(&self) -> &Url {
        &self.api_origin
    }

    /// What the server answers to a question; `segments` are the parts of the path, which may hold any character.
    ///
    /// Fails as the server does; what it does not have is a refusal with the status 404.
    pub async fn ask(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
    ) -> Result<Value, ApiError> {
        let mut url = path(&self.api_origin, segments);
        // The server keeps answers for some seconds by their address, and who asks twice wants to see what has changed.
        let moment = jiff::Timestamp::now().as_millisecond().to_string();
        url.query_pairs_mut().extend_pairs(query).append_pair("at", &moment);
        told(self.authorized(|client| client.get(url.clone())).await?).await
    }

    /// All of a list of the second API, over its pages, until there are `most`.
    pub async fn list(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
        most: usize,
    ) -> Result<Vec<Value>, ApiError> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut query = query.to_vec();
            query.push(("limit", (most - all.len()).clamp(1, 100).to_string()));
            query.extend(cursor.iter().map(|cursor| ("cursor", cursor.clone())));
            let mut page = self.ask(segments, &query).await?;
            if let Value::Array(items) = page["data"].take() {
                all.extend(items);
            }
            let next = page["page"]["cursor"].as_str().map(str::to_owned);
            let more = page["page"]["hasMore"] == true && next.is_some() && next != cursor;
            if !more || all.len() >= most {
                break;
            }
            cursor = next;
        }
        all.truncate(most);
        Ok(all)
    }

    /// Has the server do something.
    pub async fn tell(&self, segments: &[&str], body: &Value) -> Result<Value, ApiError> {
        let url = path(&self.api_origin, segments);
        told(self.authorized(|client| client.post(url.clone()).json(body)).await?).await
    }

    /// Sends one event, once: an event that may be sent again has an id. Answers with the server's id for it.
    pub async fn send_event(&self, event: &Value) -> Result<String, ApiError> {
        let url = join(&self.event_api_origin, &format!("e/{}", self.event_key));
        let request = self.common(self.client.post(url));
        let request = request.header(CONTENT_TYPE, "application/json").body(event.to_string());
        let mut ids = self.event_answer(request).await?;
        ids.pop().ok_or_else(|| ApiError::Answer("it names no id for the event".to_owned()))
    }
}

/// An answer; a fault in either of the forms that the two APIs have.
async fn told(response: Response) -> Result<Value, ApiError> {
    let status = response.status();
    let text = response.text().await.map_err(|error| ApiError::Answer(innermost(error)))?;
    let body = serde_json::from_str::<Value>(&text);
    if status.is_success() {
        // Whoever cancels is told nothing by one of the APIs.
        if text.trim().is_empty() || status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        return body.map_err(|error| ApiError::Answer(error.to_string()));
    }
    let body = body.unwrap_or_default();
    let message = ["/errors/0/message", "/error", "/message"]
        .iter()
        .find_map(|place| body.pointer(place)?.as_str().map(str::to_owned))
        .unwrap_or_else(|| shortened(&text));
    Err(ApiError::Refused { status: status.as_u16(), message })
}
