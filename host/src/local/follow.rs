//! Follows runs through the engine's activity until all of them have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine::{Activity, Happening};
use protocol::id::RunId;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// What became of one run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RunReport {
    pub(crate) run: String,
    pub(crate) function: String,
    /// How many steps ended: bodies that ran, and sleeps.
    pub(crate) steps: u32,
    /// How many attempts failed on the way.
    pub(crate) failed_attempts: u32,
    pub(crate) milliseconds: i64,
    pub(crate) status: Status,
    pub(crate) output: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Running,
    Completed,
    Failed,
}

/// How long nothing may begin before all is taken for done: a run's last step may have sent an event.
const QUIET: Duration = Duration::from_millis(400);

/// What became of all runs, and which events started one.
pub(crate) struct Followed {
    pub(crate) reports: Vec<RunReport>,
    pub(crate) started: BTreeSet<String>,
}

/// Follows every run until all that have begun have ended and nothing more begins, or until `timeout`.
///
/// The engine tells of an event's runs before it answers the sender, so what was sent before is not missed.
pub(crate) async fn follow(
    mut activity: Receiver<Activity>,
    timeout: Duration,
    mut show: impl FnMut(&Activity),
) -> Followed {
    let mut runs = Runs::default();
    let end = Instant::now() + timeout;
    loop {
        let wait = if runs.all_ended() { end.min(Instant::now() + QUIET) } else { end };
        match tokio::time::timeout_at(wait, activity.recv()).await {
            Ok(Ok(happened)) => {
                runs.take(&happened);
                show(&happened);
            }
            // A display that fell behind shows less; it does not fail.
            Ok(Err(RecvError::Lagged(missed))) => {
                tracing::warn!(missed, "some activity was not shown");
            }
            Ok(Err(RecvError::Closed)) | Err(_) => return runs.followed(),
        }
    }
}

#[derive(Default)]
struct Runs {
    runs: BTreeMap<RunId, (jiff::Timestamp, RunReport)>,
    started: BTreeSet<String>,
}

impl Runs {
    fn take(&mut self, activity: &Activity) {
        let Some(run) = activity.run else { return };
        let (began, report) = self.runs.entry(run).or_insert_with(|| {
            let function = activity.function.clone().unwrap_or_default();
            (activity.at, RunReport::begun(run, function))
        });
        match &activity.what {
            Happening::RunScheduled { event } => {
                self.started.insert(event.to_string());
            }
            Happening::StepRan { .. } | Happening::Sleeping { .. } => report.steps += 1,
            Happening::StepErrored { .. } | Happening::CallFailed { .. } => {
                report.failed_attempts += 1;
            }
            Happening::RunCompleted { output } => {
                report.status = Status::Completed;
                report.output = Some(output.clone());
            }
            Happening::RunFailed { error } => {
                report.status = Status::Failed;
                report.error = Some(format!("{}: {}", error.name, error.message));
            }
            Happening::RunCanceled => {
                report.status = Status::Failed;
                report.error = Some("canceled".to_owned());
            }
            Happening::RunStuck { reason } => {
                report.status = Status::Failed;
                report.error = Some(format!("stuck: {reason}"));
            }
            _ => {}
        }
        if report.status != Status::Running {
            report.milliseconds = activity.at.as_millisecond() - began.as_millisecond();
        }
    }

    fn all_ended(&self) -> bool {
        self.runs.values().all(|(_, report)| report.status != Status::Running)
    }

    fn followed(self) -> Followed {
        let reports = self.runs.into_values().map(|(_, report)| report).collect();
        Followed { reports, started: self.started }
    }
}

impl RunReport {
    fn begun(run: RunId, function: String) -> Self {
        Self {
            run: run.to_string(),
            function,
            steps: 0,
            failed_attempts: 0,
            milliseconds: 0,
            status: Status::Running,
            output: None,
            error: None,
        }
    }
}
