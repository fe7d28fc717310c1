//! Asks for all checks every quarter of an hour, and whenever somebody wants them. See the README.

mod beat;
mod daily;
mod marks;
mod sessions;
mod visible;

use system_bus_sdk::prelude::*;

pub use self::beat::Beat;
pub use self::sessions::Pruned;

/// Who is named in records.
const COMPONENT: &str = "heartbeat";

/// Asks for all checks, every quarter of an hour.
#[function(id = "system-heartbeat", name = "System heartbeat", cron("*/15 * * * *"), retries = 3)]
pub async fn system_heartbeat(ctx: Ctx, _timer: Cron) -> Result<Beat> {
    beat::beat(&ctx, "heartbeat-15m").await
}

/// Asks for all checks now.
#[function(
    id = "system-heartbeat-wake",
    name = "System heartbeat: wake",
    on("system/heartbeat.wake"),
    retries = 3
)]
pub async fn system_heartbeat_wake(ctx: Ctx, _event: Incoming<Value>) -> Result<Beat> {
    beat::beat(&ctx, "heartbeat-wake").await
}

component![system_heartbeat, system_heartbeat_wake];

#[cfg(test)]
mod tests;
