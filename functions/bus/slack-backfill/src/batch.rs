//! One request for several channels.

use std::collections::BTreeSet;

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::events::{BackfillRequested, BatchRequested};

/// What a batch ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Batched {
    /// How many channels are asked for.
    pub requested: usize,
    /// How many were named twice, or without an id or a name.
    pub ignored: usize,
}

/// Asks for each channel by itself.
#[function(
    id = "slack-backfill-batch",
    name = "Backfill several Slack channels",
    on(BatchRequested),
    retries = 1
)]
pub async fn slack_backfill_batch(ctx: Ctx, batch: BatchRequested) -> Result<Batched> {
    let mut seen = BTreeSet::new();
    let all = batch.channels.len();
    let requests: Vec<BackfillRequested> = batch
        .channels
        .iter()
        .map(|channel| (channel.id.trim(), channel.name.trim()))
        .filter(|(id, name)| !id.is_empty() && !name.is_empty() && seen.insert((*id).to_owned()))
        .map(|(id, name)| BackfillRequested {
            channel_id: id.to_owned(),
            channel_name: name.to_owned(),
            oldest_ts: batch.oldest_ts.clone(),
            latest_ts: None,
            reason: batch.reason.clone(),
        })
        .collect();
    let batched = Batched { requested: requests.len(), ignored: all - requests.len() };
    let note = |action| {
        Note::of("slack-backfill", action)
            .with("requested", batched.requested)
            .with("ignored", batched.ignored)
            .with("reason", &batch.reason)
    };
    if requests.is_empty() {
        ctx.step("emit-slack-backfill-batch-empty", async |io| {
            note("channel.slack.backfill.batch.empty").warn().done(&io);
            Ok(())
        })
        .await?;
        return Ok(batched);
    }
    ctx.send_all("fan-out-slack-channel-backfill", requests).await?;
    note("channel.slack.backfill.batch.requested").done(&ctx);
    Ok(batched)
}
