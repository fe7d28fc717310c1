//! The last lines that guests logged, by run, for somebody who looks at a run.
//!
//! They are kept in memory only, and only the last of them: a worker's own log is what stays. A run that logs much loses its
//! own first lines and nobody else's; where all runs together take too much, the run that began to speak first is forgotten.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use protocol::id::{RunId, StepId};
use serde::{Deserialize, Serialize};

/// How many lines of one run are kept.
pub const LINES: usize = 1_000;

/// How many bytes all lines may take together, counted with what their keeping costs.
pub const BYTES: usize = 8 << 20;

/// What keeping a line costs beside its text, in bytes: about the size of its members.
const COST: usize = 160;

/// One line, without secrets and no longer than a line may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When the guest said it.
    pub at: Timestamp,
    /// How grave it is: `trace`, `debug`, `info`, `warn`, `error` or `critical`.
    pub level: String,
    /// What it says.
    pub text: String,
    /// The hash of the step in whose body it was said; none outside of steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// What the function calls that step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often the call was tried before, from 0.
    pub attempt: u32,
    /// The part of the program that speaks, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// `stdout` or `stderr`, where it was written to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
}

/// The last lines of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// In the order in which they were told.
    pub lines: Vec<Line>,
    /// How many came before these and are gone.
    pub gone: u64,
}

/// The last lines of all runs.
#[derive(Debug)]
pub struct Recent {
    most_lines: usize,
    most_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    runs: BTreeMap<RunId, Run>,
    /// In the order in which they began to speak.
    order: VecDeque<RunId>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Run {
    lines: VecDeque<Line>,
    bytes: usize,
    gone: u64,
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(LINES, BYTES)
    }
}

impl Recent {
    /// Keeps so many lines of a run, and so many bytes of all.
    fn new(most_lines: usize, most_bytes: usize) -> Self {
        Self { most_lines, most_bytes, kept: Mutex::default() }
    }

    /// What a run has logged last; nothing where it logged nothing, or where that is gone.
    pub fn of(&self, run: RunId) -> Lines {
        let kept = self.kept();
        kept.runs.get(&run).map_or_else(Lines::default, |run| Lines {
            lines: run.lines.iter().cloned().collect(),
            gone: run.gone,
        })
    }

    /// A run has logged a line.
    pub(crate) fn add(&self, run: RunId, line: Line) {
        let kept = &mut *self.kept();
        if !kept.runs.contains_key(&run) {
            kept.order.push_back(run);
        }
        let size = line.size();
        let of_run = kept.runs.entry(run).or_default();
        of_run.lines.push_back(line);
        of_run.bytes += size;
        kept.bytes += size;
        if of_run.lines.len() > self.most_lines {
            kept.bytes -= of_run.lose_first();
        }
        while kept.bytes > self.most_bytes {
            match kept.order.front().copied() {
                // Alone it may have everything, and then loses its own first lines.
                Some(first) if first == run => {
                    let Some(of_run) = kept.runs.get_mut(&run) else { break };
                    kept.bytes -= of_run.lose_first();
                    if of_run.lines.is_empty() {
                        break;
                    }
                }
                Some(first) => {
                    kept.order.pop_front();
                    kept.bytes -= kept.runs.remove(&first).map_or(0, |run| run.bytes);
                }
                None => break,
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// Forgets the first line; how many bytes that was.
    fn lose_first(&mut self) -> usize {
        let Some(line) = self.lines.pop_front() else { return 0 };
        self.gone += 1;
        self.bytes -= line.size();
        line.size()
    }
}

impl Line {
    fn size(&self) -> usize {
        let texts = [self.name.as_ref(), self.context.as_ref()];
        COST + self.text.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            at: Timestamp::UNIX_EPOCH,
            level: "info".to_owned(),
            text: text.to_owned(),
            step: None,
            name: None,
            attempt: 0,
            context: None,
            stream: None,
        }
    }

    fn run(number: u8) -> RunId {
        format!("01M81GXW71CEV7JQT6T4T8NA{number:02}").parse().expect("an id")
    }

    fn texts(lines: &Lines) -> Vec<&str> {
        lines.lines.iter().map(|line| &*line.text).collect()
    }

    #[test]
    fn a_run_that_logs_much_loses_its_own_first_lines() {
        let recent = Recent::new(3, BYTES);
        recent.add(run(1), line("of another"));
        for text in ["a", "b", "c", "d", "e"] {
            recent.add(run(2), line(text));
        }
        let lines = recent.of(run(2));
        assert_eq!((texts(&lines), lines.gone), (vec!["c", "d", "e"], 2));
        assert_eq!(texts(&recent.of(run(1))), ["of another"]);
        assert_eq!(recent.of(run(3)), Lines::default());
    }

    #[test]
    fn where_all_take_too_much_the_run_that_spoke_first_is_forgotten() {
        let recent = Recent::new(LINES, 4 * (COST + 4));
        for number in 1..=4 {
            recent.add(run(number), line("four"));
        }
        assert_eq!(texts(&recent.of(run(1))), ["four"]);
        recent.add(run(4), line("more"));
        assert_eq!(recent.of(run(1)), Lines::default());
        assert_eq!(texts(&recent.of(run(4))), ["four", "more"]);
        // One run alone keeps what fits.
        for _ in 0..10 {
            recent.add(run(4), line("rest"));
        }
        let lines = recent.of(run(4));
        assert_eq!((lines.lines.len(), lines.gone), (4, 8));
        assert_eq!(recent.of(run(3)), Lines::default());
        // What is larger than everything is not kept, and nothing is counted that is not there.
        recent.add(run(4), line(&"x".repeat(5_000)));
        assert_eq!(recent.of(run(4)).lines.len(), 0);
        assert_eq!(recent.kept().bytes, 0);
    }
}
