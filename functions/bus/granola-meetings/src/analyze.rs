//! Analyses one meeting, in the limit of the account.

use outside::{Note, Tell, is_name};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::analysis::{self, ours};
use crate::events::{Meeting, TranscriptFetched};
use crate::settings::Settings;
use crate::{COMPONENT, granola, note, processed, tasks};

/// What came of a meeting.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Analyzed {
    /// Which.
    pub meeting_id: String,
    /// `analyzed` or `skipped`.
    pub status: String,
    /// How many tasks were ours.
    pub action_items: usize,
    /// How many of them were handed out.
    pub tasks_created: usize,
    /// How many decisions there were.
    pub decisions: usize,
    /// How many people.
    pub people: usize,
    /// Where the note is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Analyses one meeting: the part that asks Granola, and so has the limit of the account.
#[function(
    id = "meeting-analyze",
    name = "Analyse a meeting",
    // A name without a verb is written as a pattern that one name fits.
    on("meeting/*", if = "event.name == 'meeting/noted'"),
    concurrency(limit = 1, key = "\"granola-mcp\"", scope = "account"),
    throttle(limit = 1, period = "1m", key = "\"granola-mcp\""),
    retries = 5
)]
pub async fn meeting_analyze(ctx: Ctx, event: Incoming<Meeting>) -> Result<Analyzed> {
    let meeting = event.data;
    let done = analyzed(&ctx, &meeting).await;
    let record = Note::of(COMPONENT, "meeting.analyze").with("meetingId", &meeting.meeting_id);
    let record = record.with("source", &meeting.source);
    match &done {
        Ok(done) => record.with("analyzed", done).done(&ctx),
        Err(error) => record.failed(&ctx, error),
    }
    done
}

async fn analyzed(ctx: &Ctx, meeting: &Meeting) -> Result<Analyzed> {
    let id = &meeting.meeting_id;
    if !is_name(id) {
        return Err(Error::stop("a meeting has a plain name as its `meetingId`").named("Invalid"));
    }
    if ctx.step("check-processed", async |io| processed::is(&io, id)).await? {
        let (meeting_id, status) = (id.clone(), "skipped".to_owned());
        return Ok(Analyzed { meeting_id, status, ..Analyzed::default() });
    }
    let details = ctx.step("pull-details", async |io| granola::details(&io, id).await).await?;
    let transcript =
        ctx.step("pull-transcript", async |io| granola::transcript(&io, id).await).await?;
    let dates = [&details["date"], &details["created_at"]].map(Value::as_str);
    let date = dates.into_iter().flatten().chain(meeting.date.as_deref()).find_map(day);
    let date = date.unwrap_or_else(|| ctx.now().to_string()[..10].to_owned());
    let analysis =
        ctx.step("analyze", async |io| analysis::ask(&io, meeting, &details, &transcript)).await?;
    let ours = ctx
        .step("quality-gate-action-items", async |io| {
            Ok(ours(&analysis.action_items, &Settings::read(&io).owners))
        })
        .await?;
    let mut created = 0;
    // Nobody is given tasks of a meeting of long ago.
    if meeting.source.as_deref() != Some("backfill") {
        for (number, task) in ours.iter().enumerate() {
            ctx.step("create-tasks", async |io| tasks::create(&io, meeting, &date, task).await)
                .key(number)
                .await?;
            created += 1;
        }
    }
    let path = ctx
        .step("write-vault-note", async |io| note::write(&io, meeting, &date, &analysis, &ours))
        .await?;
    let fetched = TranscriptFetched {
        meeting_id: id.clone(),
        title: meeting.title.clone(),
        date,
        participants: meeting.participants.clone(),
        transcript,
    };
    let fetched = Outgoing::of(&fetched).id(format!("meeting-transcript-{id}"));
    ctx.send("emit-transcript", fetched).await?;
    // Last of all that counts: a meeting that is marked has its note.
    ctx.step("mark-processed", async |io| processed::mark(&io, id)).await?;
    let done = Analyzed {
        meeting_id: id.clone(),
        status: "analyzed".to_owned(),
        action_items: ours.len(),
        tasks_created: created,
        decisions: analysis.decisions.len(),
        people: analysis.people.len(),
        note: Some(path),
    };
    ctx.step("notify-gateway", async |io| {
        let details =
            json!({ "title": meeting.title, "analyzed": done, "decisions": analysis.decisions });
        Ok(Tell::notify("meeting.analyzed", details).by(&io))
    })
    .await?;
    Ok(done)
}

/// The day of a time that begins with one, as `2026-03-01`.
pub(crate) fn day(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    let fits = day.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    fits.then(|| day.to_owned())
}
