//! The check itself.

use outside::Note;
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::convex::{self, Pushed};
use crate::healing;
use crate::latch::Kind;
use crate::notices::Notice;
use crate::report::{self, Found, Report};
use crate::request::{HealthRequest, Mode};
use crate::typesense::State;
use crate::{COMPONENT, SOURCE, drift, errors, probes, summary, transition};

/// Checks the health of the system.
#[function(
    id = "check/system-health",
    name = "Check system health",
    on("system/health.requested"),
    on("system/health.check"),
    on("system/health.check.requested"),
    concurrency(limit = 1),
    retries = 1
)]
pub async fn check_system_health(ctx: Ctx, event: Incoming<HealthRequest>) -> Result<Report> {
    let mode = Mode::of(event.data.mode.as_deref(), &event.name);
    let checked = check(&ctx, &event, mode).await;
    checked.inspect_err(|error| {
        Note::of(COMPONENT, "system.health.checked").with("mode", mode).failed(&ctx, error);
    })
}

async fn check(ctx: &Ctx, event: &Incoming<HealthRequest>, mode: Mode) -> Result<Report> {
    let now = ctx.now();
    let found = look(ctx, mode).await?;
    ctx.step("emit-otel-health-summary", async |io| {
        summary::record(&io, mode, &event.name, &found);
        Ok(())
    })
    .await?;
    let mut report = Report {
        status: found.status(),
        mode,
        degraded: found.wrong(),
        found,
        healing: Vec::new(),
        transition: None,
        receipt: None,
        told: None,
        convex: None,
    };
    if mode.has_services() {
        let services = &report.found.services;
        let pushed = ctx
            .step("push-to-convex", async |io| Ok(convex::push_services(&io, services, now).await))
            .await?;
        report.convex = Some(pushed);
        report.healing = healing::dispatch(ctx, event, mode, &report.found).await?;
    }
    if report
        .found
        .signals
        .iter()
        .any(|one| one.name == drift::NAME && one.state == State::Escalated)
    {
        let signals = &report.found.signals;
        ctx.step("emit-memory-write-gate-drift", async |io| {
            let drifting = signals.iter().find(|one| one.name == drift::NAME);
            Ok(drifting.map(|signal| drift::record(&io, signal, ctx.run_id(), now)))
        })
        .await?;
    }
    tell(ctx, &mut report).await?;
    if mode.has_services() {
        let degraded = &report.degraded;
        let update = json!({
            "source": SOURCE, "checkedAt": now, "status": report.status, "degraded": degraded,
        });
        ctx.send("emit-network-update", Outgoing::named("system/network.update", &update)).await?;
        ctx.step("record-health-check-result", async |io| Ok(report::remember(&io, &report, now)))
            .await?;
    }
    Ok(report)
}

/// Looks at what the mode is about.
async fn look(ctx: &Ctx, mode: Mode) -> Result<Found> {
    let (now, mut found) = (ctx.now(), Found::default());
    if mode.has_services() {
        let ping = ctx.step("ping-services", async |io| Ok(probes::ping(&io, now).await));
        found.services = ping.await?;
    }
    if mode.has_signals() {
        let rate = ctx.step("check-otel-error-rate", async |io| Ok(errors::check(&io, now).await));
        found.signals.push(rate.await?);
        let drift = ctx
            .step("check-memory-write-gate-drift", async |io| Ok(drift::check(&io, now).await))
            .await?;
        found.signals.push(drift);
    }
    Ok(found)
}

/// Tells people of what has changed, and of nothing else.
async fn tell(ctx: &Ctx, report: &mut Report) -> Result<()> {
    let (now, run, looked_at) = (ctx.now(), ctx.run_id(), report.found.looked_at());
    if looked_at.is_empty() {
        return Ok(());
    }
    let reconciled = ctx
        .step("reconcile-health-transition-latch", async |io| {
            Ok(transition::reconcile(&io, &looked_at, &report.degraded, run, now))
        })
        .await?;
    let Some(reconciled) = reconciled else { return Ok(()) };
    let change = &reconciled.transition;
    if change.kind != Kind::Steady {
        let receipt = ctx
            .step("record-health-transition-receipt", async |io| {
                Ok(transition::receipt(&io, change, run, now))
            })
            .await?;
        if receipt.deliver {
            let notice = Notice::of(change, &report.found, report.mode);
            let told = ctx
                .step("notify-health-transitions", async |io| Ok(notice.clone().tell(&io)))
                .await?;
            report.told = Some(told);
            let _: Pushed = ctx
                .step("notify-convex-health-transitions", async |io| {
                    Ok(convex::push_notice(&io, change, &notice, now).await)
                })
                .await?;
        }
        report.receipt = Some(receipt);
    }
    let told = report.told.as_ref().is_some_and(|told| told.pushed || told.queued);
    ctx.step("commit-health-transition-latch", async |io| {
        Ok(transition::commit(&io, &reconciled, told, run, now))
    })
    .await?;
    report.transition = Some(reconciled.transition);
    Ok(())
}
