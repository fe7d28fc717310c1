//! Asking for a look at the telemetry, not too often.

use outside::{Note, Store};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::gate::{self, Gate};

/// How long it is not asked for again.
const PAUSE: Duration = Duration::from_mins(45);
const LAST_REQUESTED: &str = "health:signals:last_requested";

/// What came of a request.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Whether a look was asked for.
    pub requested: bool,
    /// The event that asks for it.
    pub event_id: Option<String>,
}

/// Asks for a look at the telemetry, once in 45 minutes.
#[function(
    id = "check/system-health-signals-schedule",
    name = "Check system health: signals",
    on("system/health.signals.requested"),
    retries = 3
)]
pub async fn health_signals_schedule(ctx: Ctx, event: Incoming<Value>) -> Result<Scheduled> {
    let gate: Gate = ctx
        .step("gate-health-signals", async |io| {
            let gate = gate::pass(Store::of(&io), LAST_REQUESTED, PAUSE, ctx.run_id(), ctx.now());
            Note::of(COMPONENT, "system.health.signals.scheduled")
                .with("open", gate.open)
                .with("withoutRedis", &gate.without_redis)
                .with("event", &event.name)
                .done(&io);
            Ok(gate)
        })
        .await?;
    if !gate.open {
        return Ok(Scheduled { requested: false, event_id: None });
    }
    let data = json!({ "mode": "signals", "source": "system-health-signals-schedule" });
    let request = Outgoing::named("system/health.requested", &data).id(gate.id);
    let event_id = ctx.send("request-health-signals", request).await?;
    Ok(Scheduled { requested: true, event_id: Some(event_id) })
}
