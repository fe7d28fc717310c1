//! Fetching what the server leaves out of a call because it is large.

use bytes::{Bytes, BytesMut};
use protocol::id::RunId;

use super::{ApiError, ServerApi, innermost, join, read, unreachable};

/// The largest part of a run's state that is fetched, in bytes. The server ends runs whose state passes 32 MiB; the
/// rest is for names and quoting.
pub const STATE_LIMIT: usize = 40 << 20;

impl ServerApi {
    /// A part of a run's state as the server keeps it: `actions`, an object of memos, or `batch`, an array of events.
    pub(crate) async fn run_state(&self, run: RunId, part: &str) -> Result<Bytes, ApiError> {
        let url = join(&self.api_origin, &format!("v0/runs/{run}/{part}"));
        let mut response = self.authorized(|client| client.get(url.clone())).await?;
        if !response.status().is_success() {
            // Only the refusal is read; nothing that is refused is a value.
            return read::<serde::de::IgnoredAny>(response).await.map(|_| Bytes::new());
        }
        let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok());
        let mut body = BytesMut::with_capacity(announced.unwrap_or_default().min(STATE_LIMIT));
        while let Some(chunk) = response.chunk().await.map_err(|error| {
            if error.is_timeout() {
                unreachable(&self.api_origin, error)
            } else {
                ApiError::Answer(innermost(error))
            }
        })? {
            if body.len() + chunk.len() > STATE_LIMIT {
                return Err(ApiError::Answer(format!(
                    "the run's {part} are larger than {STATE_LIMIT} bytes; \
                     return references to large values instead of the values"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}
