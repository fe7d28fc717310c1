//! Trying a story again.

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::event::{Base, Outcome, StoryStart, note, outcome};
use crate::reports::Judged;
use crate::tell;

/// The stage that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Implement,
    CheckAndCommit,
    Prove,
    Judge,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Implement => "implement",
            Self::CheckAndCommit => "check-and-commit",
            Self::Prove => "prove",
            Self::Judge => "judge",
        }
    }
}

/// The event of the next attempt.
fn again(event: &StoryStart, base: Base, judgment: &str) -> StoryStart {
    StoryStart {
        attempt: event.attempt + 1,
        judgment: Some(judgment.to_owned()),
        base: Some(base),
        ..event.clone()
    }
}

/// A stage has failed: the next attempt is told why.
pub(crate) async fn stage(
    ctx: &Ctx,
    event: &StoryStart,
    base: Base,
    stage: Stage,
    why: String,
) -> Result<Outcome> {
    note(event, "story.stage").warn().with("stage", stage.name()).failed(ctx, &why);
    ctx.step("gateway-progress-stage-failed", async |io| {
        Ok(tell::stage(&io, event, stage.name(), "failed"))
    })
    .key(event.attempt)
    .await?;
    let next = again(event, base, &why);
    match stage {
        Stage::Implement => ctx.send("retry-story-implement", next).await?,
        Stage::CheckAndCommit => ctx.send("retry-story-check-and-commit", next).await?,
        Stage::Prove => ctx.send("retry-story-prove", next).await?,
        Stage::Judge => ctx.send("retry-story-judge", next).await?,
    };
    Ok(outcome(event, "retrying", Some(why)))
}

/// The story was judged, and did not pass.
pub(crate) async fn verdict(
    ctx: &Ctx,
    event: &StoryStart,
    base: Base,
    judged: &Judged,
) -> Result<Outcome> {
    note(event, "story.failed").warn().failed(ctx, &judged.feedback);
    ctx.step("gateway-notify-story-failed", async |io| {
        let said = json!({
            "feedback": judged.feedback,
            "retryGuidance": judged.retry_guidance,
        });
        Ok(tell::outcome(&io, event, "story.failed", &said))
    })
    .key(&event.story_id)
    .await?;
    let mut judgment = judged.feedback.clone();
    for guidance in &judged.retry_guidance {
        judgment.push_str("\n- ");
        judgment.push_str(guidance);
    }
    ctx.send("retry-story", again(event, base, &judgment)).await?;
    Ok(outcome(event, "retrying", Some(judgment)))
}
