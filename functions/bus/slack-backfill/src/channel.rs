//! The backfill of one channel.

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::events::BackfillRequested;
use crate::index::Index;
use crate::message::category;
use crate::page::{self, Names};
use crate::range::Range;
use crate::report::Report;
use crate::search;
use crate::slack::Slack;

/// How many pages one run takes: what a run may hold has an end, and a run goes on in another one.
const PAGES: u64 = 100;
/// How long to wait between two pages.
const PACE: Duration = Duration::from_millis(1500);

/// Takes the history of a channel into the index.
#[function(
    id = "slack-channel-backfill",
    name = "Backfill a Slack channel",
    on(BackfillRequested),
    concurrency(limit = 2, key = "\"slack-backfill\""),
    throttle(limit = 10, period = "60s", key = "\"slack-backfill\""),
    retries = 3
)]
pub async fn slack_channel_backfill(
    ctx: Ctx,
    event: Incoming<BackfillRequested>,
) -> Result<Report> {
    let mut channel = event.data;
    channel.channel_id = channel.channel_id.trim().to_owned();
    channel.channel_name = channel.channel_name.trim().to_owned();
    let done = backfill(&ctx, &channel).await;
    if let Err(error) = &done {
        note("channel.slack.backfill.failed", &channel).failed(&ctx, error);
    }
    done
}

fn note(action: &str, channel: &BackfillRequested) -> Note {
    Note::of("slack-backfill", action)
        .with("channelId", &channel.channel_id)
        .with("channelName", &channel.channel_name)
        .with("channelCategory", category(&channel.channel_name))
        .with("reason", &channel.reason)
}

async fn backfill(ctx: &Ctx, channel: &BackfillRequested) -> Result<Report> {
    if channel.channel_id.is_empty() || channel.channel_name.is_empty() {
        return Err(Error::stop("a backfill needs channelId and channelName"));
    }
    let range = ctx.step("resolve-time-range", async |_io| Range::of(channel, ctx.now())).await?;
    // What it ends with is that there is a token, and never the token.
    ctx.step("lease-slack-user-token", async |io| Slack::of(&io).has_token()).await?;
    ctx.step("ensure-slack-messages-collection", async |io| Index::of(&io).ensure().await).await?;
    ctx.step("emit-slack-backfill-started", async |io| {
        note("channel.slack.backfill.started", channel).with("range", &range).done(&io);
        Ok(())
    })
    .await?;

    let mut report = Report::of(channel, range.clone());
    let (mut names, mut cursor) = (Names::new(), String::new());
    loop {
        let number = report.pages_processed + 1;
        let page = ctx
            .step("fetch-history-page", async |io| {
                page::fetch(&io, &channel.channel_id, &range, &cursor).await
            })
            .key(number)
            .await?;
        process(ctx, channel, &page, number, &mut names, &mut report).await?;
        let Some(next) = page.next.clone() else { break };
        if number == PAGES {
            report.continued = continued(ctx, channel, &range, &page).await?;
            break;
        }
        cursor = next;
        ctx.sleep("rate-limit", PACE).key(number).await?;
    }
    if !report.continued {
        let found = ctx
            .step("index-search-matches", async |io| search::index(&io, channel, &range).await)
            .await?;
        report.add_search(&found);
    }
    ctx.step("emit-slack-backfill-completed", async |io| {
        let note = note("channel.slack.backfill.completed", channel).with("report", &report);
        told(note, &io, report.typesense_errors);
        Ok(())
    })
    .await?;
    Ok(report)
}

/// Takes a page into the index, in as many parts as Slack's pace makes of it.
async fn process(
    ctx: &Ctx,
    channel: &BackfillRequested,
    page: &page::Page,
    number: u64,
    names: &mut Names,
    report: &mut Report,
) -> Result<()> {
    let (mut from, mut part) = (0, 1);
    loop {
        // The first part has the number of its page; the others have theirs behind it.
        let key = if part == 1 { number.to_string() } else { format!("{number}.{part}") };
        let done = ctx
            .step("process-history-page", async |io| {
                let done = page::process(&io, channel, &page.messages, from, names).await?;
                let note = note("channel.slack.backfill.page_indexed", channel)
                    .with("page", number)
                    .with("part", part)
                    .with("indexed", done.indexed)
                    .with("hasMore", page.next.is_some());
                told(note, &io, done.imported.errors);
                Ok(done)
            })
            .key(&key)
            .await?;
        report.add(&done);
        names.extend(done.names);
        let Some(resume) = done.resume else { break };
        let pause = Duration::from_millis(done.wait_ms);
        ctx.sleep("slack-pace", pause).key(&key).await?;
        (from, part) = (resume, part + 1);
    }
    report.pages_processed = number;
    Ok(())
}

/// Has another run go on with what is older than the oldest message of this page; whether it does.
async fn continued(
    ctx: &Ctx,
    channel: &BackfillRequested,
    range: &Range,
    page: &page::Page,
) -> Result<bool> {
    let Some(oldest) = page.messages.last() else { return Ok(false) };
    // A run that asked for the same again would never end.
    if oldest.ts == range.latest_ts {
        return Ok(false);
    }
    let rest = BackfillRequested {
        oldest_ts: Some(range.oldest_ts.clone()),
        latest_ts: Some(oldest.ts.clone()),
        ..channel.clone()
    };
    ctx.send("continue-slack-backfill", rest).await?;
    Ok(true)
}

fn told(note: Note, io: &Io, errors: u64) {
    if errors == 0 {
        note.done(io);
    } else {
        let refused = format!("the index refused {errors} messages");
        note.warn().failed(io, refused);
    }
}
