//! Replies that no socket took, handed over by HTTP.

use std::sync::Arc;
use std::time::Duration;

use protocol::connect::frames::SdkResponse;

use crate::server_api::{ApiError, ServerApi};

/// How often one reply is tried before the rest waits for the next round.
const TRIES: u32 = 5;

/// How a reply fared.
#[derive(Debug)]
pub(super) enum Flushed {
    /// The server has it.
    Stored(String),
    /// The server will never take it this way.
    Refused(String, ApiError),
    /// The round is over; with what stopped it, if something did.
    Over(Option<ApiError>),
}

/// Hands the responses over, one after another, until all are tried or the server cannot be reached.
pub(super) async fn round(
    api: ServerApi,
    responses: Vec<Arc<SdkResponse>>,
    tell: impl Fn(Flushed) + Send,
) {
    let mut met = None;
    for response in responses {
        match one(&api, &response).await {
            Ok(()) => tell(Flushed::Stored(response.request_id.clone())),
            Err(error @ ApiError::Refused { .. }) if !error.is_passing() => {
                tell(Flushed::Refused(response.request_id.clone(), error));
            }
            // It answered: what it has against this reply it may not have against the next.
            Err(error @ ApiError::Refused { .. }) => met = Some(error),
            // What one reply met, the next would meet too.
            Err(error) => return tell(Flushed::Over(Some(error))),
        }
    }
    tell(Flushed::Over(met));
}

async fn one(api: &ServerApi, response: &SdkResponse) -> Result<(), ApiError> {
    let mut tried = 1;
    loop {
        match api.connect_flush(response).await {
            Err(error) if tried < TRIES && error.is_passing() => {
                tokio::time::sleep(Duration::from_millis(50 << tried)).await;
                tried += 1;
            }
            answer => return answer,
        }
    }
}
