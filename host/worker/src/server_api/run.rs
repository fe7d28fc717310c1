//! What a running call asks of the server: to store its steps, and to send a signal.

use std::time::Duration;

use jiff::Timestamp;
use protocol::call::Dispatch;
use protocol::checkpoint::Checkpoint;
use protocol::id::RunId;
use protocol::op::Op;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ApiError, ServerApi, join, read};

/// How often a checkpoint is tried, and the first pause; each further one is twice as long.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why steps are not stored.
#[derive(Debug)]
pub(crate) enum NotStored {
    /// The server has given the work to another call.
    Superseded,
    /// It refuses, or cannot be reached.
    Failed(ApiError),
}

#[derive(Deserialize)]
struct Wrapped {
    data: SignalReceived,
}

#[derive(Deserialize)]
struct SignalReceived {
    run_id: String,
}

impl ServerApi {
    /// Stores steps of a call that goes on. Storing the same step twice does no harm.
    pub(crate) async fn checkpoint(
        &self,
        run: RunId,
        dispatch: &Dispatch,
        began: Timestamp,
        steps: &[Op],
    ) -> Result<(), NotStored> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1..=TRIES;
        loop {
            let last = tries.next() == Some(TRIES);
            let body = Checkpoint::new(run, dispatch, began, Timestamp::now(), steps);
            let url = join(&self.api_origin, &body.path());
            let error = match self.authorized(|client| client.post(url.clone()).json(&body)).await {
                Ok(response) if response.status() == StatusCode::CONFLICT => {
                    return Err(NotStored::Superseded);
                }
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => match read::<serde::de::IgnoredAny>(response).await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if last || !error.is_passing() {
                return Err(NotStored::Failed(error));
            }
            tokio::time::sleep(jittered(pause)).await;
            pause *= 2;
        }
    }

    /// Sends a signal; the run that waited for it, if one did.
    pub(crate) async fn send_signal(
        &self,
        signal: &str,
        data: &RawValue,
    ) -> Result<Option<String>, ApiError> {
        #[derive(Serialize)]
        struct Signal<'s> {
            signal: &'s str,
            data: &'s RawValue,
        }
        let url = join(&self.api_origin, "v1/signals");
        let body = Signal { signal, data };
        let response = self.authorized(|client| client.post(url.clone()).json(&body)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read::<Wrapped>(response).await.map(|Wrapped { data }| Some(data.run_id))
    }
}

/// Between half of a pause and all of it, so that calls which failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let nanos = Timestamp::now().subsec_nanosecond().unsigned_abs();
    pause / 2 + (pause / 2).mul_f64(f64::from(nanos % 1_000) / 1_000.0)
}
