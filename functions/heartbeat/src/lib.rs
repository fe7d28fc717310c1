//! Asks for a check of services every quarter of an hour, and whenever somebody wants one.

use system_bus_sdk::prelude::*;

/// Somebody wants a beat now.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("system/heartbeat.requested")]
pub struct HeartbeatRequested {
    /// What the check is to probe; the check's own list unless given.
    #[serde(default)]
    pub targets: Vec<Value>,
}

/// The event that starts the check of services.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("system/services.check.requested")]
pub struct ServicesCheckRequested {
    /// Which checks.
    pub mode: String,
    /// Who asks.
    pub source: String,
    /// What to probe; the check's own list if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Value>,
}

/// Why the heart beats.
#[derive(Input, Debug)]
pub enum Why {
    /// It is time.
    Timer(Cron),
    /// Somebody asked.
    Asked(HeartbeatRequested),
}

/// One beat.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Who asked for it.
    pub source: String,
    /// When its run began.
    pub at: Timestamp,
}

/// What a beat ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Beaten {
    /// The beat.
    pub beat: Beat,
    /// The id of the event that asks for the check.
    pub requested: String,
}

/// Records the beat and asks for a check.
#[function(
    id = "heartbeat",
    name = "Heartbeat",
    on(HeartbeatRequested),
    cron("*/15 * * * *"),
    retries = 2
)]
pub async fn pulse(ctx: Ctx, why: Why) -> Result<Beaten> {
    let (source, targets) = match why {
        Why::Timer(_) => ("heartbeat-15m", Vec::new()),
        Why::Asked(request) => ("heartbeat-request", request.targets),
    };
    let (source, at) = (source.to_owned(), ctx.now());
    let beat = ctx
        .step("record-beat", async |_io| {
            let beat = Beat { source: source.clone(), at };
            log::info!("beat of {} by {}", beat.at, beat.source);
            Ok(beat)
        })
        .await?;
    let request = ServicesCheckRequested { mode: "core".to_owned(), source, targets };
    let requested = ctx.send("request-services-check", request).await?;
    Ok(Beaten { beat, requested })
}

component![pulse];

#[cfg(test)]
mod tests;
