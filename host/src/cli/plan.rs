//! `plan`: what deploying would do to functions and their unfinished runs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::answer;
use crate::cli::{Plan, reload};
use crate::operate::{Answer, Operated};

/// Deploying would hurt.
const HURTS: u8 = 3;

pub(crate) async fn run(args: Plan, json: bool) -> anyhow::Result<ExitCode> {
    let worker = Operated::new(&args.reach)?;
    let mut request =
        worker.request(Method::POST, "api/plan")?.query(&[("runs", args.runs.to_string())]);
    if let Some(file) = &args.file {
        request = offered(request, file)?;
    }
    match worker.ask(request).await? {
        Answer::Done(plan) => {
            let ok = plan["ok"].as_bool().unwrap_or_default();
            let code = answer::result(json, "plan", ok, &plan, words(&plan).trim_end());
            Ok(if plan["hurts"] == true { ExitCode::from(HURTS) } else { code })
        }
        Answer::Busy(message) => {
            answer::failed(json, "plan", &anyhow::Error::msg(message));
            Ok(ExitCode::from(reload::BUSY))
        }
        Answer::Conflict(message) | Answer::Refused(message) => bail!(message),
    }
}

/// A request with one component.
fn offered(request: RequestBuilder, file: &Path) -> anyhow::Result<RequestBuilder> {
    let what = || format!("{} cannot be read; name a component", file.display());
    let bytes = std::fs::read(file).with_context(what)?;
    let name = file.file_stem().and_then(|stem| stem.to_str());
    let name = name.with_context(|| format!("{}: its name is no text", file.display()))?;
    let request = request.query(&[("name", name)]).header(CONTENT_TYPE, "application/wasm");
    Ok(request.body(bytes))
}

/// A plan, for people.
fn words(plan: &Value) -> String {
    let mut words = String::new();
    for component in list(&plan["components"]) {
        let (verdict, name) = (text(&component["verdict"]), text(&component["name"]));
        let versions = match [&component["active"], &component["digest"]].map(short) {
            [active, digest] if active == digest || active.is_empty() => digest.to_owned(),
            [active, ""] => active.to_owned(),
            [active, digest] => format!("{active} → {digest}"),
        };
        // Writing to memory cannot fail.
        let _ = write!(words, "{verdict:<13} {name:<28} {versions}");
        if let Some(reason) = component["reason"].as_str() {
            let _ = write!(words, "  {reason}");
        }
        words.push('\n');
        for fault in list(&component["faults"]) {
            let _ = writeln!(words, "  left out: {}", text(fault));
        }
    }
    for function in list(&plan["functions"]) {
        let hurts = if function["hurts"] == true { ", HURTS" } else { "" };
        let _ = writeln!(
            words,
            "\n{} ({}, {}{hurts})",
            text(&function["function"]),
            text(&function["fate"]),
            text(&function["mode"]),
        );
        for said in list(&function["changes"]).chain(list(&function["says"])) {
            let _ = writeln!(words, "  {}", text(said));
        }
        for (_, example) in function["runs"]["examples"].as_object().into_iter().flatten() {
            let _ = writeln!(words, "  {}", text(example));
        }
    }
    for function in list(&plan["elsewhere"]) {
        let _ = writeln!(
            words,
            "\n{} ({}): the worker of role {} knows its runs; ask that one too, with --worker",
            text(&function["function"]),
            text(&function["fate"]),
            text(&function["role"]),
        );
        for said in list(&function["changes"]) {
            let _ = writeln!(words, "  {}", text(said));
        }
    }
    let ending = match (plan["hurts"].as_bool(), plan["ok"].as_bool()) {
        (Some(true), _) => "deploying this would hurt; see above for what to do first",
        (_, Some(true)) => "nothing would be hurt; deploy it with `system-bus reload`",
        _ => "not everything could be found out",
    };
    let (generation, took) = (&plan["generation"], &plan["took_ms"]);
    let _ = write!(words, "\n{ending} (generation {generation}, nothing was changed, {took} ms)");
    words
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn short(digest: &Value) -> &str {
    digest.as_str().and_then(|digest| digest.get(..12)).unwrap_or_default()
}
