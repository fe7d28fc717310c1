//! The hour. It is a function of its own: a schedule on a function that waits for quiet is repeated by the server.

use outside::Note;
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;

/// Asks for a synchronisation every hour.
#[function(
    id = "system/content-sync-schedule",
    name = "Content sync, hourly",
    cron("0 * * * *"),
    retries = 1
)]
pub async fn content_sync_schedule(ctx: Ctx, _timer: Cron) -> Result<String> {
    Note::of(COMPONENT, "content.sync.scheduled").done(&ctx);
    let data = json!({ "source": "content-sync-schedule" });
    ctx.send("request-content-sync", Outgoing::named("content/seed.requested", &data)).await
}
