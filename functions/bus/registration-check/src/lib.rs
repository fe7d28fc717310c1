//! Checks that every function of the worker is registered, and that every schedule has led to a run
//! that completed. See the README.

mod memory;
mod period;
mod server;
mod settings;
mod tell;
mod verdict;

use outside::Note;
use system_bus_sdk::prelude::*;

pub use self::memory::Remembered;
pub use self::server::{Expected, Known};
pub use self::tell::Told;
pub use self::verdict::{Judged, Seen, Verdict};

use self::server::Server;

/// Whether all is well.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Everything is registered and runs.
    Healthy,
    /// Something is not, or does not.
    Degraded,
}

/// What a check ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether all is well.
    pub status: Status,
    /// How many functions the workers serve.
    pub expected: usize,
    /// Functions that were missing at first, or had not all of their schedules.
    pub missing: Vec<String>,
    /// Functions that are missing still.
    pub still_missing: Vec<String>,
    /// All schedules.
    pub schedules: Vec<Judged>,
    /// What is wrong, in lines.
    pub problems: Vec<String>,
    /// What became of telling people.
    pub told: Told,
}

/// Checks functions and schedules.
#[function(
    id = "check/function-registration-and-runs",
    name = "Check that functions are registered and run",
    cron("0 * * * *"),
    on("system/function-health.requested"),
    concurrency(limit = 1),
    retries = 3
)]
pub async fn check_functions(ctx: Ctx, _event: Incoming<Value>) -> Result<Report> {
    match check(&ctx).await {
        Ok(report) => {
            let note = note().with("report", &report);
            if report.status == Status::Healthy {
                note.done(&ctx);
            } else {
                note.failed(&ctx, report.problems.join("; "));
            }
            Ok(report)
        }
        Err(error) => {
            note().failed(&ctx, &error);
            Err(error)
        }
    }
}

fn note() -> Note {
    Note::of("function-health", "check.function-registration-and-runs")
}

async fn check(ctx: &Ctx) -> Result<Report> {
    let expected =
        ctx.step("list-expected-functions", async |io| Server::of(&io).expected().await).await?;
    let mut registered = ctx
        .step("list-registered-functions", async |io| Server::of(&io).registered().await)
        .await?;
    let missing = lacking(&expected, &registered);
    let mut still_missing = Vec::new();
    if !missing.is_empty() {
        ctx.step("register-missing-functions", async |io| {
            for worker in expected.iter().filter(|worker| lacks(worker, &registered)) {
                Server::of(&io).register(&worker.worker).await?;
            }
            Ok(())
        })
        .await?;
        // What is answered to a registration is no proof: it is read back.
        registered = ctx
            .step("confirm-registered-functions", async |io| Server::of(&io).registered().await)
            .await?;
        still_missing = lacking(&expected, &registered);
    }

    let (now, mut all) = (ctx.now(), Vec::new());
    for function in &registered {
        for cron in &function.crons {
            let key = format!("{}/{}/{cron}", function.app, function.function);
            let seen = ctx
                .step("check-schedule", async |io| look(&io, function, cron, now).await)
                .key(key)
                .await?;
            all.push(seen);
        }
    }
    let now = now.as_millisecond();
    let known =
        ctx.step("remember-schedules", async |io| Ok(memory::remember(&io, &all, now))).await?;
    let schedules = ctx
        .step("judge-schedules", async |io| {
            let history = Server::of(&io).settings().history_ms;
            let judged =
                all.iter().map(|seen| verdict::judge(seen.clone(), known.as_ref(), now, history));
            Ok(judged.collect::<Vec<_>>())
        })
        .await?;
    let problems = problems(&still_missing, &schedules);
    let told = ctx.step("tell-function-health", async |io| Ok(tell::tell(&io, &problems))).await?;
    let status = if problems.is_empty() { Status::Healthy } else { Status::Degraded };
    let expected = expected.iter().map(|worker| worker.functions.len()).sum();
    Ok(Report { status, expected, missing, still_missing, schedules, problems, told })
}

/// The functions of workers that the server does not know, or not with all their schedules.
fn lacking(expected: &[Expected], registered: &[Known]) -> Vec<String> {
    let all = expected.iter().flat_map(|worker| &worker.functions);
    let missing = all.filter(|function| !is_known(function, registered));
    missing.map(|function| function.function.clone()).collect()
}

fn lacks(worker: &Expected, registered: &[Known]) -> bool {
    !worker.functions.iter().all(|function| is_known(function, registered))
}

fn is_known(function: &Known, registered: &[Known]) -> bool {
    registered.iter().any(|one| one.covers(function))
}

/// Looks for the last run of a schedule, as far back as it matters.
async fn look(io: &Io, function: &Known, cron: &str, now: Timestamp) -> Result<Seen> {
    let mut seen = Seen::of(&function.app, &function.function, cron, now);
    if let Some(period) = seen.period_ms {
        let since = now.as_millisecond() - period.saturating_mul(2);
        seen.last_success = Server::of(io).last_success(function, cron, since).await?;
    }
    Ok(seen)
}

/// What is wrong, in lines that stay the same while it is.
fn problems(still_missing: &[String], schedules: &[Judged]) -> Vec<String> {
    let missing = still_missing.iter().map(|id| format!("{id} is not registered as it should be"));
    let schedules = schedules.iter().filter_map(|one| {
        let Seen { app, function, cron, .. } = &one.seen;
        match one.verdict {
            Verdict::Dead => Some(format!(
                "{function} of {app}: `{cron}` led to no run that completed within twice its period"
            )),
            Verdict::Unreadable => Some(format!("{function} of {app}: `{cron}` cannot be read")),
            Verdict::Alive | Verdict::Young | Verdict::Unknown => None,
        }
    });
    missing.chain(schedules).collect()
}

component![check_functions];

#[cfg(test)]
mod tests;
