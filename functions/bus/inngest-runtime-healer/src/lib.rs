//! Looks whether the Inngest server and the worker are well, has the worker registered anew where
//! they are not, and looks again. See the README.

mod probe;
mod request;
mod settings;

use outside::{Exit, Note, Program};
use serde_json::{Value, json};
use system_bus_sdk::prelude::*;

pub use self::probe::{Command, Probe};

use self::request::Request;
use self::settings::Settings;

/// How the runtime is, and what was done.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The request is for another healer.
    Skipped,
    /// It was well.
    Healthy,
    /// It is not well, and nothing was to be done about it.
    Detected,
    /// It was not well, and is.
    Remediated,
    /// It is not well, whatever was done.
    Degraded,
}

/// What the healer ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// How the runtime is, and what was done.
    pub status: Status,
    /// Which healer it was for.
    pub domain: String,
    /// The event that asked for it.
    pub source_event_name: String,
    /// Whether nothing was to be done.
    pub dry_run: bool,
    /// How often it was tried before.
    pub attempt: u64,
    /// The attempt after it.
    pub next_attempt: u64,
    /// Whether the remedy was tried.
    pub remediation_attempted: bool,
    /// Whether it helped.
    pub remediated: bool,
    /// The runtime before.
    pub before: Option<Probe>,
    /// The runtime after the remedy.
    pub after: Option<Probe>,
    /// The code with which the remedy ended.
    pub restart_exit_code: Option<i32>,
}

/// Looks after the runtime.
#[function(
    id = "system/self-healing.inngest-runtime",
    name = "Self-heal the Inngest runtime",
    cron("TZ=America/Los_Angeles */10 * * * *"),
    on("system/inngest.runtime.health.requested"),
    on("system/self.healing.requested"),
    concurrency(limit = 1),
    // Each step in a call of its own, so that the attempts of one are not counted for the next.
    checkpoint = "off",
    retries = 1
)]
pub async fn heal_runtime(ctx: Ctx, event: Incoming<Value>) -> Result<Report> {
    let request = Request::of(&event);
    let mut report = Report {
        status: Status::Skipped,
        domain: request.domain.clone(),
        source_event_name: request.event.clone(),
        dry_run: request.dry_run,
        attempt: request.attempt,
        next_attempt: request.attempt.saturating_add(1),
        remediation_attempted: false,
        remediated: false,
        before: None,
        after: None,
        restart_exit_code: None,
    };
    if !request.is_ours() {
        // Not a warning: requests for others are the course of things.
        note(&request, &report, None).debug().done(&ctx);
        return Ok(report);
    }
    let healed = heal(&ctx, &mut report).await;
    let restart = match healed {
        Ok(restart) => restart,
        Err(error) => {
            note(&request, &report, None).failed(&ctx, &error);
            return Err(error);
        }
    };
    let note = note(&request, &report, restart.as_ref());
    match report.status {
        Status::Healthy | Status::Skipped => note.done(&ctx),
        Status::Remediated => note.warn().done(&ctx),
        Status::Detected => note.warn().failed(&ctx, "the runtime is not well"),
        Status::Degraded => note.failed(&ctx, "the runtime is not well after the remedy"),
    }
    Ok(report)
}

/// Looks, acts and looks again; what the remedy came to, where it was tried.
async fn heal(ctx: &Ctx, report: &mut Report) -> Result<Option<Command>> {
    let before = ctx.step("probe-inngest-status-before", async |io| status(&io).await).await?;
    let healthy = before.healthy;
    report.before = Some(before);
    if healthy || report.dry_run {
        report.status = if healthy { Status::Healthy } else { Status::Detected };
        return Ok(None);
    }
    let restart = ctx.step("restart-inngest-worker", async |io| restart(&io).await).await?;
    report.remediation_attempted = true;
    report.restart_exit_code = restart.exit_code;
    let after = ctx.step("probe-inngest-status-after", async |io| status(&io).await).await?;
    report.remediated = after.healthy;
    report.status = if after.healthy { Status::Remediated } else { Status::Degraded };
    report.after = Some(after);
    Ok(Some(restart))
}

/// Asks how the runtime is. A command that fails is an answer too.
async fn status(io: &Io) -> Result<Probe> {
    let settings = Settings::of(&|key: &str| io.config(key));
    let arguments = settings.status();
    let program = Program::new(&settings.program).args(&arguments).within(settings.status_within);
    let exit = program.end(io).await?;
    Ok(Probe::of(Command::of(&settings.program, &arguments, &exit), &exit))
}

/// Has the worker registered anew. It is tried once in a run: an attempt that did not come back may
/// have ended the worker that ran it, and the next one would do so again.
async fn restart(io: &Io) -> Result<Command> {
    let settings = Settings::of(&|key: &str| io.config(key));
    let arguments = Settings::restart();
    if io.attempt() > 0 {
        let stderr = "an earlier attempt did not come back, so it was not tried again".to_owned();
        let exit = Exit { code: 0, stdout: String::new(), stderr };
        let not_run = Command::of(&settings.program, &arguments, &exit);
        return Ok(Command { exit_code: None, ..not_run });
    }
    let program = Program::new(&settings.program).args(&arguments).within(settings.restart_within);
    let exit = program.end(io).await?;
    Ok(Command::of(&settings.program, &arguments, &exit))
}

/// One record with everything: how it was before, what was done, how it is.
fn note(request: &Request, report: &Report, restart: Option<&Command>) -> Note {
    Note::of("self-healing", "system.self-healing.inngest-runtime.health")
        .with("status", report.status)
        .with("domain", &request.domain)
        .with("sourceEventName", &request.event)
        .with("sourceEventId", &request.event_id)
        .with("dryRun", request.dry_run)
        .with("attempt", report.attempt)
        .with("nextAttempt", report.next_attempt)
        .with("before", &report.before)
        .with("after", &report.after)
        .with("restart", restart)
        .with("evidence", &request.evidence)
        .with("playbook", playbook(&request.playbook))
}

/// The playbook of the request, or what this healer does.
fn playbook(asked: &Value) -> Value {
    if asked.is_object() {
        return asked.clone();
    }
    json!({
        "actions": ["probe the runtime", "register the worker anew", "probe again"],
        "restart": ["inngest restart-worker --register --wait-ms 1500"],
        "kill": [],
        "defer": [],
        "notify": ["otel search system.self-healing.inngest-runtime"],
        "links": [],
    })
}

component![heal_runtime];

#[cfg(test)]
mod tests;
