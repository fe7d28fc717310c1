//! Asks for a look every hour.

use outside::{Changes, Note, Store};
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::events::CheckRequested;

/// By what one request an hour is known.
const GATE: &str = "granola:check:last-requested";
/// How long it keeps others away: less than an hour, so that no hour is left out.
const HOUR: Duration = Duration::from_mins(55);

/// Asks for a look for new meetings, unless one was asked for in this hour.
#[function(
    id = "granola-check-cron",
    name = "Ask for a check of meetings",
    cron("7 * * * *"),
    retries = 3
)]
pub async fn granola_check_cron(ctx: Ctx, _timer: Cron) -> Result<bool> {
    let run = ctx.run_id();
    let open = ctx
        .step("check-if-needed", async |io| {
            let store = Store::of(&io);
            if store.make(Changes::default().absent(GATE).set_for(GATE, run, HOUR))? {
                return Ok(true);
            }
            // A step that runs twice finds its own.
            Ok(store.get(GATE)?.as_deref() == Some(run))
        })
        .await
        // The check needs Redis too: without it there is nothing to ask for.
        .inspect_err(|error| Note::of(COMPONENT, "granola.check.requested").failed(&ctx, error))?;
    if open {
        let request = CheckRequested { source: Some("granola-check-cron".to_owned()) };
        ctx.send("request-check", request).await?;
    }
    Note::of(COMPONENT, "granola.check.requested").debug().with("sent", open).done(&ctx);
    Ok(open)
}
