//! Keeps what is worth remembering of a session of an agent. See the README for the steps.

mod daily;
mod dashboard;
mod embedding;
mod failed;
mod gate;
mod index;
mod notes;
mod observer;
mod pds;
mod report;
mod session;
mod settings;
mod state;
mod store;
mod transcript;

use outside::Tell;
use serde_json::json;
use system_bus_sdk::prelude::*;

pub use self::daily::Logged;
pub use self::failed::observe_failed;
pub use self::gate::{Gate, Verdict};
pub use self::observer::{Observation, Parsed, Said};
pub use self::pds::Written;
pub use self::report::{Counts, Observed, Report};
pub use self::session::{Session, Trigger};
pub use self::state::{Claim, Updated};

/// Who is named in records.
const COMPONENT: &str = "observe";

/// Observations have come together.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("memory/observations.accumulated")]
#[serde(rename_all = "camelCase")]
pub struct Accumulated {
    /// Of which day.
    pub date: String,
    /// How long the session was.
    pub total_tokens: u64,
    /// How many.
    pub observation_count: u64,
    /// How many of them may be recalled.
    pub reflectable_count: u64,
    /// When the session was captured.
    pub captured_at: Timestamp,
}

/// Looks at a session and keeps what is worth it.
#[function(
    id = "memory/observe-session",
    name = "Observe session",
    on("memory/session.compaction.pending"),
    on("memory/session.ended"),
    retries = 3,
    throttle(limit = 4, period = "60s")
)]
pub async fn observe_session(ctx: Ctx, event: Incoming<Value>) -> Result<Report> {
    let now = ctx.now();
    let session = ctx.step("validate-input", async |_io| Session::of(&event, now)).await?;
    let id = session.session_id.clone();
    ctx.step("otel-observe-start", async |io| {
        notes::of(&session, "observe.started")
            .debug()
            .with("messageCount", session.message_count)
            .with("dedupeKey", &session.dedupe_key)
            .done(&io);
        Ok(())
    })
    .await?;
    let run = ctx.run_id();
    let claim = ctx
        .step("dedupe-check", async |io| Ok(state::claim(&io, &session.dedupe_key, run)))
        .await?;
    if claim != Claim::Held {
        ctx.step("otel-observe-dedupe", async |io| {
            notes::of_claim(&io, &session, &claim);
            Ok(())
        })
        .await?;
    }
    if claim == Claim::Taken {
        return Ok(Report::Deduplicated { session_id: id, dedupe_key: session.dedupe_key });
    }
    let transcript = transcript::clean(event.data["messages"].as_str().unwrap_or_default());
    if transcript.is_empty() {
        ctx.step("otel-observe-skipped", async |io| {
            notes::of(&session, "observe.skipped").with("reason", "empty transcript").done(&io);
            Ok(())
        })
        .await?;
        return Ok(Report::Skipped { session_id: id, reason: "empty transcript".to_owned() });
    }

    let said = ctx
        .step("call-observer-llm", async |io| Ok(observer::ask(&io, &session, &transcript)))
        .await?;
    let parsed = ctx.step("parse-observations", async |_io| Ok(observer::parse(&said))).await?;
    // First for people, and without the network: it is there whatever fails afterwards.
    let logged =
        ctx.step("append-daily-log", async |io| Ok(daily::append(&io, &session, &parsed))).await?;
    let stored = ctx
        .step("store-to-typesense", async |io| {
            store::store(&io, &session, &parsed.observations).await
        })
        .await;
    ctx.step("otel-observe-store-result", async |io| {
        notes::of_store(&io, &session, stored.as_ref());
        Ok(())
    })
    .await?;
    // A session that is not stored was not observed: the run fails, and its event may be sent again.
    let counts = stored?;

    let pds =
        ctx.step("pds-dual-write", async |io| {
            Ok(pds::write(&io, &session, &parsed.observations).await)
        })
        .await?;
    let summary = parsed.summary();
    let redis = ctx
        .step("update-redis-state", async |io| Ok(state::update(&io, &session, &summary, &counts)))
        .await?;
    let accumulated =
        ctx.step("check-threshold", async |_io| Ok(session.trigger != Trigger::Backfill)).await?;
    if accumulated {
        let event = Outgoing::of(&Accumulated {
            date: session.date(),
            total_tokens: session.total_tokens,
            observation_count: counts.observations,
            reflectable_count: counts.allow_count,
            captured_at: session.captured_at,
        });
        // Sent again by another run of the same session, it is the same event.
        ctx.send("emit-accumulated", event.id(format!("observed-{}", session.mark()))).await?;
    }
    ctx.step("notify-gateway", async |io| {
        let details = json!({ "sessionId": id, "trigger": session.trigger, "counts": counts });
        Ok(Tell::notify("memory.observed", details).by(&io))
    })
    .await?;
    let observed = Observed {
        session_id: id,
        by_model: !said.fallback,
        counts,
        daily_log_appended: logged.appended,
        redis_updated: redis.updated,
        pds_written: pds.written,
        accumulated,
    };
    ctx.step("otel-observe-finish", async |io| {
        notes::of_finish(&io, &session, &observed, [&logged.error, &redis.error], &pds);
        Ok(())
    })
    .await?;
    Ok(Report::Observed(Box::new(observed)))
}

component![observe_session, observe_failed];

#[cfg(test)]
mod tests;
