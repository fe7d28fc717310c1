//! Implements, checks, proves and judges one story of a plan, and starts the next one. See the README for the steps.

mod codex;
mod commit;
mod event;
mod place;
mod prd;
mod prompts;
mod reports;
mod retry;
mod settings;
mod stages;
mod tell;
mod words;

use outside::Note;
use serde_json::json;
use system_bus_sdk::prelude::*;

pub use self::event::{Base, Outcome, StoryStart};
use self::event::{note, outcome};
use self::place::Place;
pub use self::prd::{Context, Prd, Story};
use self::reports::Staged;
use self::retry::Stage;
use self::settings::Settings;
use self::stages::{Loaded, Work};

/// Who is named in records.
const COMPONENT: &str = "story-pipeline";
/// How often a story is tried.
const ATTEMPTS: u32 = 3;

/// Takes one story through its stages.
#[function(
    id = "agent/story-pipeline",
    name = "Story pipeline",
    on(StoryStart),
    retries = 2,
    concurrency(limit = 1),
    timeouts(finish = "3h")
)]
#[expect(clippy::too_many_lines, reason = "the stages of a story, in their order")]
pub async fn story_pipeline(ctx: Ctx, event: StoryStart) -> Result<Outcome> {
    let settings = Settings::read(&ctx);
    let place = Place::of(&event, &settings).inspect_err(|error| {
        Note::of(COMPONENT, "story.invalid").failed(&ctx, error);
    })?;
    let loaded: Result<Loaded> = ctx.step("load-prd", async |io| stages::load(&io, &place)).await;
    let Loaded { prd, statuses } = loaded.inspect_err(|error| {
        Note::of(COMPONENT, "story.invalid").with("storyId", &event.story_id).failed(&ctx, error);
    })?;
    let Some(story) = prd.story(&event.story_id) else {
        let why = format!("the plan has no story `{}`", event.story_id);
        Note::of(COMPONENT, "story.invalid").failed(&ctx, &why);
        return Err(Error::stop(why).named("Invalid"));
    };
    if prd.is_done(&story.id, &statuses) {
        note(&event, "story.skipped").done(&ctx);
        return Ok(outcome(&event, "skipped", Some("it is done".to_owned())));
    }
    let (id, attempt) = (&event.story_id, event.attempt);
    if attempt > ATTEMPTS {
        ctx.step("record-story-blocked", async |io| stages::keep(&io, &place, id, "blocked"))
            .await?;
        ctx.step("gateway-notify-story-blocked", async |io| {
            let said = json!({ "judgment": event.judgment });
            Ok(tell::outcome(&io, &event, "story.blocked", &said))
        })
        .key(id)
        .await?;
        note(&event, "story.blocked").failed(&ctx, "it was tried often enough");
        return Ok(outcome(&event, "blocked", event.judgment.clone()));
    }

    let work = Work { event: &event, place: &place, settings: &settings, prd: &prd, story };
    ctx.step("gateway-progress-story-start", async |io| Ok(tell::begun(&io, &event, &story.title)))
        .key(format!("{id}-attempt-{attempt}"))
        .await?;
    let base = ctx
        .step("get-pre-sha", async |io| match &event.base {
            // What counts is how it was before the first attempt.
            Some(base) => Ok(base.clone()),
            None => commit::base(&io, &place).await,
        })
        .await?;

    ctx.step("gateway-progress-implement-start", async |io| {
        Ok(tell::stage(&io, &event, "implement", "begins"))
    })
    .key(attempt)
    .await?;
    let staged = ctx.step("implement", async |io| work.implement(&io).await).await?;
    if let Staged::Failed { why } = staged {
        return retry::stage(&ctx, &event, base, Stage::Implement, why).await;
    }
    ctx.step("gateway-progress-implement-done", async |io| {
        Ok(tell::stage(&io, &event, "implement", "done"))
    })
    .key(attempt)
    .await?;
    note(&event, "story.implemented").done(&ctx);

    ctx.step("gateway-progress-check-and-commit-start", async |io| {
        Ok(tell::stage(&io, &event, "check-and-commit", "begins"))
    })
    .key(attempt)
    .await?;
    let staged =
        ctx.step("check-and-commit", async |io| work.check_and_commit(&io, &base).await).await?;
    let committed = match staged {
        Staged::Done { report } => report,
        Staged::Failed { why } => {
            return retry::stage(&ctx, &event, base, Stage::CheckAndCommit, why).await;
        }
    };
    ctx.step("gateway-progress-check-and-commit-done", async |io| {
        Ok(tell::stage(&io, &event, "check-and-commit", "done"))
    })
    .key(attempt)
    .await?;
    note(&event, "story.committed")
        .with("sha", &committed.sha)
        .with("leftOut", &committed.left_out)
        .done(&ctx);

    ctx.step("gateway-progress-prove-start", async |io| {
        Ok(tell::stage(&io, &event, "prove", "begins"))
    })
    .key(attempt)
    .await?;
    let proved = match ctx.step("prove", async |io| work.prove(&io, &base).await).await? {
        Staged::Done { report } => report,
        Staged::Failed { why } => {
            return retry::stage(&ctx, &event, base, Stage::Prove, why).await;
        }
    };
    ctx.step("gateway-progress-prove-done", async |io| {
        Ok(tell::stage(&io, &event, "prove", "done"))
    })
    .key(attempt)
    .await?;
    note(&event, "story.proved").with("pass", proved.overall_pass).done(&ctx);

    ctx.step("gateway-progress-judge-start", async |io| {
        Ok(tell::stage(&io, &event, "judge", "begins"))
    })
    .key(attempt)
    .await?;
    let judged = match ctx.step("judge", async |io| work.judge(&io, &base, &proved).await).await? {
        Staged::Done { report } => report,
        Staged::Failed { why } => {
            return retry::stage(&ctx, &event, base, Stage::Judge, why).await;
        }
    };
    if judged.verdict != "PASS" {
        return retry::verdict(&ctx, &event, base, &judged).await;
    }

    // Kept before anything else hears of it: a story that has passed is never begun again.
    let statuses =
        ctx.step("record-story-done", async |io| stages::keep(&io, &place, id, "done")).await?;
    let pushed = ctx.step("push", async |io| work.push(&io).await).await?;
    ctx.step("gateway-notify-story-passed", async |io| {
        let said = json!({ "feedback": judged.feedback, "push": pushed });
        Ok(tell::outcome(&io, &event, "story.passed", &said))
    })
    .key(id)
    .await?;
    note(&event, "story.passed").with("push", &pushed).done(&ctx);

    let mut end = outcome(&event, "passed", None);
    end.sha = proved.fix_commit_sha.or(Some(committed.sha));
    if let Some(next) = prd.next(&statuses) {
        let start = StoryStart {
            story_id: next.id.clone(),
            attempt: 1,
            judgment: None,
            base: None,
            ..event.clone()
        };
        ctx.send("start-next-story", start).await?;
        note(&event, "story.next").with("next", &next.id).done(&ctx);
        end.next = Some(next.id.clone());
    }
    Ok(end)
}

component![story_pipeline];

#[cfg(test)]
mod tests;
