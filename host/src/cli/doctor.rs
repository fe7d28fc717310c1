//! `doctor`: what is wrong with a server and its workers, and what to do about it.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use protocol::signature::Trust;
use serde::Serialize;
use url::Url;

use crate::answer;
use crate::asking::ServerArgs;
use crate::diagnosis::findings::{self, Finding};
use crate::diagnosis::look;

/// What is looked at.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A worker's address; name all of them, so that what nobody owns is known
    #[arg(
        long,
        env = "SYSTEM_BUS_WORKER",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:3111"
    )]
    pub(crate) worker: Vec<Url>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Serialize)]
struct Report {
    apps: usize,
    functions: usize,
    workers: usize,
    findings: Vec<Finding>,
}

pub(crate) async fn run(args: Doctor, json: bool) -> anyhow::Result<ExitCode> {
    let server = args.server.server()?;
    let environment = args.server.environment()?;
    let signed = environment.is_some_and(|inngest| matches!(inngest.trust, Trust::Signed(_)));
    let facts = look(&server, signed, &args.worker).await?;
    let report = Report {
        apps: facts.server.apps.len(),
        functions: facts.server.apps.iter().map(|app| app.functions.len()).sum(),
        workers: facts.workers.len(),
        findings: findings::of(&facts),
    };
    let ok = report.findings.is_empty();
    Ok(answer::result(json, "doctor", ok, &report, &words(&report)))
}

fn words(report: &Report) -> String {
    let Report { apps, functions, workers, findings } = report;
    let mut words = format!("looked at {workers} workers, {apps} apps and {functions} functions: ");
    let _ = match findings.len() {
        0 => write!(words, "nothing is wrong"),
        1 => write!(words, "one thing is wrong"),
        many => write!(words, "{many} things are wrong"),
    };
    for Finding { code, about, what, fix } in findings {
        let _ = write!(words, "\n\n{code}: {about}\n  {what}\n  → {fix}");
    }
    words
}
