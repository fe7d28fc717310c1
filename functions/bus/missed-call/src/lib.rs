//! Waits for the answer to a call, and tells somebody when none comes. See the README.

mod call;

use outside::Note;
use serde_json::json;
use system_bus_sdk::prelude::*;

pub use self::call::{CallAnswered, CallInitiated, CallRequested, Line};

/// How long somebody has to answer.
const PATIENCE: Duration = Duration::from_secs(45);
/// The setting with our number.
const NUMBER: &str = "TELNYX_PHONE_NUMBER";

/// What came of a call.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Outcome {
    /// It is none that anybody has to answer.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Somebody answered.
    Answered,
    /// Nobody did.
    Missed {
        /// What somebody is told.
        message: String,
        /// Whether the gateway told it too.
        notified: bool,
    },
}

/// Waits for the answer to a call.
#[function(id = "voice-missed-call", name = "Tell of missed calls", on(CallInitiated), retries = 2)]
pub async fn voice_missed_call(ctx: Ctx, call: CallInitiated) -> Result<Outcome> {
    let done = missed(&ctx, &call).await;
    let note = |action| Note::of("voice", action).with("callSessionId", &call.call_session_id);
    match &done {
        Ok(Outcome::Skipped { reason }) => {
            note("voice.call.skipped").debug().with("reason", reason).done(&ctx);
        }
        Ok(Outcome::Answered) => note("voice.call.answered").done(&ctx),
        Ok(Outcome::Missed { notified, .. }) => {
            let note = note("voice.call.missed").warn().with("notified", notified);
            note.failed(&ctx, "nobody answered");
        }
        Err(error) => note("voice.call.failed").failed(&ctx, error),
    }
    done
}

async fn missed(ctx: &Ctx, call: &CallInitiated) -> Result<Outcome> {
    let skipped = |reason: &str| Ok(Outcome::Skipped { reason: reason.to_owned() });
    if let Some(reason) = call.unfit() {
        return skipped(reason);
    }
    // The number stays in the step: what is stored is whether it is called.
    let line = ctx
        .step("lease-voice-did", async |io| {
            let number = io.config(NUMBER).filter(|number| !number.trim().is_empty());
            let number = number.ok_or_else(|| Error::stop(format!("{NUMBER} is not set")))?;
            Ok(call.line(&number))
        })
        .await?;
    if line == Line::Other {
        return skipped("it does not go to our number");
    }
    let answered = ctx
        .wait_for::<CallAnswered>("wait-for-answer")
        .same(CallAnswered::FIELDS.call_session_id)
        .timeout(PATIENCE)
        .await?;
    if answered.is_some() {
        return Ok(Outcome::Answered);
    }
    let from = if call.from.trim().is_empty() { "an unknown number" } else { call.from.trim() };
    let seconds = PATIENCE.as_secs();
    let message = format!("Missed call from {from}: nobody answered within {seconds} s");
    ctx.send("page-joel", CallRequested { message: message.clone() }).await?;
    // Somebody is being called by now: that nothing more could be told fails nothing.
    let notified = ctx
        .step("notify-gateway-urgent", async |io| {
            let details = json!({ "prompt": message, "priority": "urgent" });
            let pushed = io.gateway().notify("voice.call.missed", &details);
            Ok(pushed.pushed || pushed.queued)
        })
        .await?;
    Ok(Outcome::Missed { message, notified })
}

component![voice_missed_call];

#[cfg(test)]
mod tests;
