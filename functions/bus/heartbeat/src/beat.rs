//! One beat.

use outside::{Changes, Note, Store, Told};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::daily::{self, Wish};
use crate::sessions::{self, Pruned};
use crate::{COMPONENT, marks, visible};

/// When the last beat was, in milliseconds since 1970.
const LAST_RUN: &str = "heartbeat:last_run";
/// How long there need not be another one.
const ENOUGH: Duration = Duration::from_mins(10);
/// How long that is remembered.
const LASTS: Duration = Duration::from_hours(24);

/// The checks that a beat asks for. The check of the memory's reviews is not among them: nobody makes it any more.
const CHECKS: [&str; 9] = [
    "tasks/triage.requested",
    "sessions/prune.requested",
    "triggers/audit.requested",
    "system/health.requested",
    "gateway/health.check.requested",
    "vault/sync.check",
    "email/triage.requested",
    "calendar/daily.check",
    "loops/stale.check",
];

/// What a beat did.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Who asked for it.
    pub source: String,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The ids of the events that ask for checks.
    pub checks: Vec<String>,
    /// Old files of sessions.
    pub pruned: Pruned,
    /// The event that asks for a decision worth working on.
    pub pitch: Option<String>,
    /// The event that asks for the digest of the day.
    pub digest: Option<String>,
    /// What people were told, once in an hour.
    pub told: Option<Told>,
}

/// Beats. Redis keeps beats from coming too close; without it they come all the same.
pub(crate) async fn beat(ctx: &Ctx, source: &str) -> Result<Beat> {
    let beaten = try_beat(ctx, source).await;
    beaten.inspect_err(|error| {
        Note::of(COMPONENT, "heartbeat.cron.fanout").with("source", source).failed(ctx, error);
    })
}

async fn try_beat(ctx: &Ctx, source: &str) -> Result<Beat> {
    let (now, run) = (ctx.now(), ctx.run_id());
    let mut beat = Beat {
        source: source.to_owned(),
        skipped: None,
        checks: Vec::new(),
        pruned: Pruned::default(),
        pitch: None,
        digest: None,
        told: None,
    };
    beat.skipped = ctx
        .step("check-if-needed", async |io| {
            let reason = too_early(&io, now);
            if let Some(reason) = &reason {
                let note = Note::of(COMPONENT, "heartbeat.cron.skipped").with("source", source);
                note.with("reason", reason).done(&io);
            }
            Ok(reason)
        })
        .await?;
    if beat.skipped.is_some() {
        return Ok(beat);
    }
    beat.pruned = ctx.step("prune-old-sessions", async |io| Ok(sessions::prune(&io, now))).await?;
    beat.checks = ctx.send_all("fan-out-checks", CHECKS.map(|name| request(name, source))).await?;

    let wish: Option<Wish> =
        ctx.step("maybe-request-adr-pitch", async |io| Ok(daily::pitch(&io, run, now))).await?;
    if let Some(Wish { date, id }) = wish {
        let data = json!({ "source": source, "date": date });
        let event = Outgoing::named("adr/pitch.requested", &data).id(id);
        beat.pitch = Some(ctx.send("fan-out-adr-pitch", event).await?);
    }
    let wish: Option<Wish> =
        ctx.step("maybe-request-daily-digest", async |io| Ok(daily::digest(&io, run, now))).await?;
    if let Some(Wish { date, id }) = wish {
        let data = json!({ "source": source, "date": date });
        let event = Outgoing::named("memory/digest.requested", &data).id(id);
        beat.digest = Some(ctx.send("fan-out-daily-digest", event).await?);
    }

    ctx.step("otel-heartbeat-cron", async |io| {
        Note::of(COMPONENT, "heartbeat.cron.fanout")
            .with("source", source)
            .with("events", CHECKS)
            .with("pruned", &beat.pruned)
            .with("pitch", &beat.pitch)
            .with("digest", &beat.digest)
            .done(&io);
        Ok(())
    })
    .await?;
    beat.told = ctx
        .step("maybe-emit-user-visible-heartbeat", async |io| {
            Ok(visible::tell(&io, &beat, run, now))
        })
        .await?;
    // At the end: a beat that failed keeps no other one away.
    ctx.step("record-last-run", async |io| {
        let time = now.as_millisecond().to_string();
        Ok(Store::of(&io).make(Changes::default().set_for(LAST_RUN, time, LASTS)).is_ok())
    })
    .await?;
    Ok(beat)
}

/// Why no beat is needed, if it is not.
fn too_early(io: &Io, now: Timestamp) -> Option<String> {
    // The last quarter of a day is the only one that asks for its digest.
    if daily::is_digest_time(now) {
        return None;
    }
    let last = match Store::of(io).get(LAST_RUN) {
        Ok(last) => last?.trim().parse::<i64>().ok()?,
        Err(refused) => {
            marks::without_redis(io, "check-if-needed", &refused);
            return None;
        }
    };
    let ago = u64::try_from(now.as_millisecond().checked_sub(last)?).ok()?;
    let is_early = Duration::from_millis(ago) < ENOUGH;
    is_early.then(|| format!("the last beat was {} s ago", ago / 1000))
}

fn request(name: &'static str, source: &str) -> Outgoing {
    let mut data = json!({ "source": source });
    if name == "system/health.requested" {
        data["mode"] = json!("core");
    }
    Outgoing::named(name, &data)
}
