//! What follows when a session could not be looked at.

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::session::Session;
use crate::{COMPONENT, observe_session, state};

/// Gives the lock of the failed run back, so that its event may be sent again at once.
#[on_failure(of = observe_session, retries = 5)]
pub async fn observe_failed(ctx: Ctx, failed: Failed<Value>) -> Result<bool> {
    let session = failed.event().and_then(|event| Session::of(&event, ctx.now())).ok();
    let released = match &session {
        Some(session) => {
            ctx.step("release-lock", async |io| {
                state::release(&io, &session.dedupe_key, &failed.run_id)
            })
            .await?
        }
        // What is no session had no lock.
        None => false,
    };
    ctx.step("otel-observe-failed", async |io| {
        Note::of(COMPONENT, "observe.failed")
            .with("sessionId", session.as_ref().map(|session| &session.session_id))
            .with("runId", &failed.run_id)
            .with("released", released)
            .failed(&io, &failed.error);
        Ok(())
    })
    .await?;
    Ok(released)
}
