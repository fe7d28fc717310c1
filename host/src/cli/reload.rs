//! `reload`: tells a worker to take up what is new.

use std::fmt::Write as _;
use std::process::ExitCode;

use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::Value;

use crate::answer;
use crate::cli::Reload;
use crate::operate::{Answer, Operated};

/// Somebody else was first.
pub(crate) const CONFLICT: u8 = 4;

/// Another reload is under way.
pub(crate) const BUSY: u8 = 5;

pub(crate) async fn run(args: Reload, json: bool) -> anyhow::Result<ExitCode> {
    let worker = Operated::new(&args.reach)?;
    let mut query = Vec::new();
    if args.dry_run {
        query.push(("dry_run", "true".to_owned()));
    }
    if args.force {
        query.push(("force", "true".to_owned()));
    }
    if let Some(percent) = args.percent {
        query.push(("percent", percent.to_string()));
    }
    if let Some(why) = args.why {
        query.push(("why", why));
    }
    let mut request = worker.request(Method::PUT, "api/reload")?.query(&query);
    if let Some(generation) = args.if_match {
        request = request.header(IF_MATCH, format!("\"{generation}\""));
    }
    Ok(changed(json, "reload", worker.ask(request).await?))
}

/// Tells what came of a change, and answers with the exit code for it.
pub(crate) fn changed(json: bool, command: &str, answered: Answer) -> ExitCode {
    let (message, code) = match answered {
        Answer::Done(report) => {
            let ok = report["ok"].as_bool().unwrap_or(true);
            return answer::result(json, command, ok, &report, &words(&report));
        }
        Answer::Conflict(message) => (message, CONFLICT),
        Answer::Busy(message) => (message, BUSY),
        Answer::Refused(message) => (message, 1),
    };
    answer::failed(json, command, &anyhow::Error::msg(message));
    ExitCode::from(code)
}

/// A report of a worker, for people.
fn words(report: &Value) -> String {
    let mut words = String::new();
    for component in report["components"].as_array().into_iter().flatten() {
        let text = |name: &str| component[name].as_str().unwrap_or_default();
        let digest = text("digest").get(..12).unwrap_or_default();
        // Writing to memory cannot fail.
        let _ = write!(words, "{:<13} {:<28} {digest}", text("verdict"), text("name"));
        if let Some(reason) = component["reason"].as_str() {
            let _ = write!(words, "  {reason}");
        }
        words.push('\n');
    }
    let (before, after) = (&report["generation"]["before"], &report["generation"]["after"]);
    let took = &report["took_ms"];
    let _ = match (report["dry_run"].as_bool(), before == after) {
        (Some(true), _) => write!(words, "nothing was changed: generation {before} ({took} ms)"),
        (_, true) => write!(words, "generation {before}, as before ({took} ms)"),
        (_, false) => write!(words, "generation {before} → {after} in {took} ms"),
    };
    words
}
