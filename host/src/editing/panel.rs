//! What stands at the bottom of a terminal while functions are edited: what is being built, what does not compile, and the
//! runs under way with the step each is at. Pure: what happened goes in, lines come out.

use std::collections::BTreeMap;

use engine::{Activity, Happening};
use jiff::Timestamp;
use protocol::id::RunId;

use crate::local::show::{short, words};

/// How many runs are shown; of more, the number is told.
const RUNS: usize = 8;

/// How many lines of errors are shown.
const ERRORS: usize = 6;

/// What is shown.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    /// Where to send events and what to read; none while nothing serves.
    pub(crate) address: String,
    /// What the last build came to, or what is being built.
    pub(crate) state: String,
    /// Since when it is being built.
    pub(crate) building: Option<Timestamp>,
    /// Where the code does not compile, an error a line.
    pub(crate) errors: Vec<String>,
    runs: BTreeMap<RunId, Run>,
    completed: u32,
    failed: u32,
}

#[derive(Debug)]
struct Run {
    function: String,
    began: Timestamp,
    /// The last thing that happened.
    last: String,
}

impl Panel {
    /// Before anything was built.
    pub(crate) fn new() -> Self {
        Self { state: "starting".to_owned(), ..Self::default() }
    }

    /// Takes in what happened in the engine.
    pub(crate) fn take(&mut self, activity: &Activity) {
        let Some(id) = activity.run else { return };
        match &activity.what {
            Happening::RunCompleted { .. } => {
                self.completed += 1;
                self.runs.remove(&id);
            }
            Happening::RunFailed { .. } | Happening::RunCanceled | Happening::RunStuck { .. } => {
                self.failed += 1;
                self.runs.remove(&id);
            }
            Happening::RunSkipped => {
                self.runs.remove(&id);
            }
            what => {
                let run = self.runs.entry(id).or_insert_with(|| Run {
                    function: activity
                        .function
                        .as_deref()
                        .map(short)
                        .unwrap_or_default()
                        .to_owned(),
                    began: activity.at,
                    last: String::new(),
                });
                if let Some(words) = words(what) {
                    run.last = words;
                }
            }
        }
    }

    /// The lines for a terminal of this size; at most half of its height.
    pub(crate) fn lines(&self, now: Timestamp, width: usize, height: usize) -> Vec<String> {
        let mut lines = vec!["─".repeat(width.min(60))];
        lines.push(match self.building {
            Some(since) => format!("{}, for {}", self.state, seconds(since, now)),
            None => self.state.clone(),
        });
        lines.extend(self.errors.iter().take(ERRORS).map(|error| format!("  ✗ {error}")));
        if self.errors.len() > ERRORS {
            lines.push(format!("  and {} more", self.errors.len() - ERRORS));
        }
        let (under_way, completed, failed) = (self.runs.len(), self.completed, self.failed);
        lines.push(format!("runs: {under_way} under way, {completed} completed, {failed} failed"));
        let room = (height / 2).saturating_sub(lines.len() + 2).min(RUNS);
        // The youngest ones: those that somebody has just begun.
        for (id, run) in self.runs.iter().rev().take(room) {
            let id = id.to_string();
            let id = id.get(id.len().saturating_sub(4)..).unwrap_or_default();
            lines.push(format!(
                "  {id}  {}  {}  {}",
                run.function,
                seconds(run.began, now),
                run.last
            ));
        }
        if under_way > room {
            lines.push(format!("  and {} more", under_way - room));
        }
        if !self.address.is_empty() {
            lines.push(self.address.clone());
        }
        lines.iter().map(|line| cut(line, width)).collect()
    }
}

fn seconds(since: Timestamp, now: Timestamp) -> String {
    let millis = (now.as_millisecond() - since.as_millisecond()).max(0);
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// As much of a line as fits. What others have named must not steer the terminal.
fn cut(line: &str, width: usize) -> String {
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    if line.chars().count() <= width {
        return plain.collect();
    }
    plain.take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a time")
    }

    fn happened(run: &str, second: i64, what: Happening) -> Activity {
        let run = Some(format!("01ARZ3NDEKTSV4RRFFQ69G5{run}").parse().expect("an id"));
        Activity {
            at: at(second),
            run,
            function: Some("system-bus-cluster-orders".to_owned()),
            what,
        }
    }

    fn step(name: &str) -> Happening {
        Happening::StepPlanned { name: name.to_owned() }
    }

    #[test]
    fn runs_are_shown_while_they_are_under_way() {
        let mut panel = Panel { state: "3 functions serve".to_owned(), ..Panel::default() };
        panel.address = "engine http://127.0.0.1:8288".to_owned();
        panel.take(&happened("AAA", 0, step("pack")));
        panel.take(&happened("BBB", 1, step("print")));
        let rule = "─".repeat(60);
        assert_eq!(
            panel.lines(at(2), 80, 40),
            [
                &rule,
                "3 functions serve",
                "runs: 2 under way, 0 completed, 0 failed",
                "  5BBB  orders  1.0 s  step print is planned",
                "  5AAA  orders  2.0 s  step pack is planned",
                "engine http://127.0.0.1:8288",
            ]
        );
        let output = serde_json::value::RawValue::from_string("1".to_owned()).expect("JSON");
        panel.take(&happened("AAA", 3, Happening::RunCompleted { output }));
        panel.take(&happened("BBB", 3, Happening::RunCanceled));
        let lines = panel.lines(at(3), 80, 40);
        assert_eq!(lines[2], "runs: 0 under way, 1 completed, 1 failed");
    }

    #[test]
    fn it_never_takes_more_than_it_may() {
        let mut panel = Panel { state: "x".repeat(200), building: Some(at(0)), ..Panel::default() };
        panel.errors = (0..9).map(|n| format!("src/lib.rs:{n}\u{1b}[2J")).collect();
        for n in 0..20 {
            panel.take(&happened(&format!("A{n:02}"), 0, step("pack")));
        }
        for (width, height) in [(80, 40), (40, 24), (10, 10), (1, 1)] {
            let lines = panel.lines(at(1), width, height);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
            assert!(!lines.concat().contains('\u{1b}'), "{lines:?}");
            // The errors are told in any case.
            assert!(lines.len() <= (height / 2).max(ERRORS + 6), "{lines:?}");
        }
        let lines = panel.lines(at(1), 80, 60);
        assert!(
            lines.contains(&"  and 3 more".to_owned())
                && lines.contains(&"  and 12 more".to_owned())
        );
    }
}
