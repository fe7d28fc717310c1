//! The state of a run that is too large for one call: the server leaves it out, and it is fetched.

use protocol::call::{Call, CallError};

use crate::server_api::{ApiError, ServerApi};

/// Why the state of a call is not there. The server tries the call again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The server does not hand it out.
    #[error("the run's state is larger than one call carries, and it could not be fetched: {0}")]
    Fetch(#[from] ApiError),
    /// It is not what it should be.
    #[error(transparent)]
    Decode(#[from] CallError),
}

/// The call with all of its state, fetched where the server left it out.
///
/// Both parts are asked for at once, each answer being no larger than [`crate::server_api::STATE_LIMIT`].
pub(crate) async fn complete(api: &ServerApi, call: Call) -> Result<Call, StateError> {
    if !call.use_api {
        return Ok(call);
    }
    let run = call.run;
    let (actions, batch) =
        tokio::try_join!(api.run_state(run, "actions"), api.run_state(run, "batch"))?;
    tracing::debug!(%run, bytes = actions.len() + batch.len(), "fetched a state that is too large for a call");
    Ok(call.with_state(&actions, &batch)?)
}
