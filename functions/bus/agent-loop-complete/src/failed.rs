//! What happens when the work of a loop could not be completed.

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::{COMPONENT, LoopCompleted, loop_complete};

/// A function of a loop has failed for good.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("agent/loop.function.failed")]
#[serde(rename_all = "camelCase")]
pub struct LoopFunctionFailed {
    /// Of which loop; none where the event did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loop_id: Option<String>,
    /// Of which project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Which function.
    pub function_id: String,
    /// Which run of it.
    pub run_id: String,
    /// What it failed of.
    pub error: String,
}

/// Tells the rest of the system. The event of the loop is nested in that of the failure, and read from there.
#[on_failure(of = loop_complete, retries = 3)]
pub async fn loop_failed(ctx: Ctx, failed: Failed<LoopCompleted>) -> Result<()> {
    let event = failed.event().ok().map(|event| event.data);
    let told = LoopFunctionFailed {
        loop_id: event.as_ref().map(|event| event.loop_id.clone()),
        project: event.map(|event| event.project),
        function_id: "agent-loop-complete".to_owned(),
        run_id: failed.run_id.clone(),
        error: failed.error.message().to_owned(),
    };
    Note::of(COMPONENT, "agent-loop.complete.failed")
        .with("loopId", &told.loop_id)
        .with("run", &told.run_id)
        .failed(&ctx, &told.error);
    ctx.send("emit-loop-function-failed", told).await?;
    Ok(())
}
