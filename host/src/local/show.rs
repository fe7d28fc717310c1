//! Shows what happens: lines above a moving display on a terminal, plain lines otherwise; and results as a table.

use std::io::IsTerminal;
use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use engine::{Activity, Happening, Held};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::role::Role;

use crate::answer::progress;
use crate::local::follow::{RunReport, Status};

/// A display of what happens, on the standard error.
pub(crate) struct Display {
    bar: Option<ProgressBar>,
    began: jiff::Timestamp,
}

impl Display {
    pub(crate) fn start(words: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_message(words.to_owned());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { bar, began: jiff::Timestamp::now() }
    }

    pub(crate) fn show(&self, activity: &Activity) {
        let Some(line) = line(activity, self.began) else { return };
        match &self.bar {
            Some(bar) => bar.println(line),
            None => progress(&line),
        }
    }

    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// One line for what happened, with the time since `began`; none where it is not worth one.
pub(crate) fn line(activity: &Activity, began: jiff::Timestamp) -> Option<String> {
    let words = words(&activity.what)?;
    let run = activity.run.map(|run| run.to_string()).unwrap_or_default();
    // The end of a ULID is random, its beginning is the time.
    let run = run.get(run.len().saturating_sub(4)..).unwrap_or_default();
    let function = activity.function.as_deref().map(short).unwrap_or_default();
    let seconds = (activity.at.as_millisecond() - began.as_millisecond()).max(0);
    Some(format!("{:>4}.{:03}s  {run:>4}  {function:<20}  {words}", seconds / 1000, seconds % 1000))
}

/// A function without its app.
pub(crate) fn short(slug: &str) -> &str {
    Role::ALL.iter().find_map(|role| role.app().function_of(slug)).unwrap_or(slug)
}

pub(crate) fn words(what: &Happening) -> Option<String> {
    Some(match what {
        // The engine's own events say what the runs' lines say already.
        Happening::EventReceived { name, .. } if name.starts_with(protocol::event::RESERVED) => {
            return None;
        }
        Happening::EventReceived { name, .. } => format!("event {name}"),
        Happening::RunScheduled { .. } => "run begins".to_owned(),
        Happening::StepPlanned { name } => format!("step {name} is planned"),
        Happening::StepRan { name, took, .. } => match took {
            Some(took) => format!("step {name} ran in {took:.1?}"),
            None => format!("step {name} ran"),
        },
        Happening::StepErrored { name, error, retry_at, .. } => match retry_at {
            Some(at) => format!("step {name} failed: {}; again at {at:.0}", error.message),
            None => format!("step {name} failed for good: {}", error.message),
        },
        Happening::Sleeping { name, until } => format!("sleeps at {name} until {until:.0}"),
        Happening::Waiting { name, awaited, until } => {
            format!("waits at {name} for {awaited} until {until:.0}")
        }
        Happening::WaitEnded { name, timed_out: false } => format!("wait {name} is over"),
        Happening::WaitEnded { name, timed_out: true } => format!("wait {name} timed out"),
        Happening::Requesting { name, url } => format!("step {name} asks {url}"),
        Happening::RunCompleted { .. } => "run is done".to_owned(),
        Happening::RunFailed { error } => format!("run failed: {}", error.message),
        Happening::RunSkipped => "run is skipped: another one of its singleton is there".to_owned(),
        Happening::EventHeld { held: Held::RateLimited, .. } => {
            "event is over the rate limit".to_owned()
        }
        Happening::EventHeld { held: Held::Debounced, .. } => "event waits for quiet".to_owned(),
        Happening::RunCanceled => "run was canceled".to_owned(),
        Happening::CallFailed { reason, .. } => format!("a call failed: {reason}"),
        Happening::RunStuck { reason } => format!("run is stuck: {reason}"),
        _ => return None,
    })
}

/// The longest result shown in a table cell, in characters.
const RESULT_CHARS: usize = 160;

/// The results as a table.
pub(crate) fn table(reports: &[RunReport]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["function", "run", "steps", "time", "status", "result"]);
    // Not a terminal, or one that does not know its width, or one too narrow for columns.
    if !std::io::stdout().is_terminal() || table.width().is_none_or(|width| width < 60) {
        table.set_width(140);
    }
    for report in reports {
        let result = match (&report.output, &report.error) {
            (_, Some(error)) => error.as_str(),
            (Some(output), None) => output.get(),
            (None, None) => "",
        };
        let mut shown: String = result.chars().take(RESULT_CHARS).collect();
        if shown.len() < result.len() {
            shown.push('…');
        }
        let status = match report.status {
            Status::Running => "not ended",
            Status::Completed => "completed",
            Status::Failed => "failed",
        };
        table.add_row([
            short(&report.function),
            &report.run,
            &report.steps.to_string(),
            &format!("{} ms", report.milliseconds),
            status,
            &shown,
        ]);
    }
    table.to_string()
}
