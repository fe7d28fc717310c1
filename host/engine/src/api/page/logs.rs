//! What a run logged: its worker is asked, and each line goes to the attempt at the step that said it.

use jiff::Timestamp;
use page::html::encoded;
use page::run::{Line, Run};
use protocol::id::RunId;
use serde::Deserialize;

use super::Workers;

/// What a worker tells of a run.
#[derive(Debug, Deserialize)]
struct Told {
    lines: Vec<ToldLine>,
    gone: u64,
}

#[derive(Debug, Deserialize)]
struct ToldLine {
    at: Timestamp,
    level: String,
    text: String,
    /// The hash of the step.
    step: Option<String>,
    attempt: u32,
    context: Option<String>,
    stream: Option<String>,
}

/// Asks the worker that is called at this address, and puts what it tells into the run.
pub(super) async fn add(run: &mut Run, id: RunId, called: &str, workers: &Workers) {
    let query = format!("run={}", encoded(&id.to_string()));
    match workers.ask::<Told>(called, "/api/logs", Some(&query)).await {
        Ok(told) => place(run, told),
        Err(reason) => run.notes.push(format!("What it logged is not known. {reason}")),
    }
}

fn place(run: &mut Run, told: Told) {
    if told.gone > 0 {
        let lines = if told.gone == 1 { "line that is" } else { "lines that are" };
        run.notes.push(format!(
            "It logged {} earlier {lines} not here: a worker keeps the last ones only. Its own log has them.",
            told.gone
        ));
    }
    for line in told.lines {
        let of_step = run.spans.iter_mut().filter(|span| span.step == line.step);
        let span = of_step
            .filter(|_| line.step.is_some())
            // A result may come from an attempt that the engine never heard of.
            .max_by_key(|span| span.attempt == line.attempt);
        let lines = span.map_or(&mut run.outside, |span| &mut span.more.lines);
        let from = line.context.or(line.stream);
        lines.push(Line { at: line.at, level: line.level, text: line.text, from });
    }
}
