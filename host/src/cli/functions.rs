//! `functions`: what a worker serves, by role, and what forced each function there.

use std::fmt::Write as _;
use std::process::ExitCode;

use comfy_table::Table;
use serde_json::Value;

use crate::answer;
use crate::cli::Functions;
use crate::operate::Operated;

pub(crate) async fn run(args: Functions, json: bool) -> anyhow::Result<ExitCode> {
    let shown = Operated::new(&args.reach)?.get("api/functions").await?;
    let duplicates = shown["duplicates"].as_array().is_none_or(Vec::is_empty);
    Ok(answer::result(json, "functions", duplicates, &shown, &words(&shown)))
}

fn words(shown: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let registration = &shown["registration"];
    let registered = match registration["at"].as_str() {
        Some(at) => format!("{}, last registered {at}", text(&registration["state"])),
        None => text(&registration["state"]),
    };
    let mut words = format!(
        "role {}: {} functions in app {} ({registered})\n",
        text(&shown["role"]),
        shown["count"],
        text(&shown["app"]),
    );
    let mut table = Table::new();
    table.set_header(["function", "component", "home", "mode", "forced by"]);
    let all = ["functions", "elsewhere"].map(|part| shown[part].as_array().into_iter().flatten());
    for function in all.into_iter().flatten() {
        let forced = function["forced_by"].as_array().into_iter().flatten();
        let forced: Vec<_> = forced.map(text).collect();
        table.add_row([
            text(&function["id"]),
            text(&function["component"]),
            text(&function["home"]),
            text(&function["mode"]),
            forced.join(", "),
        ]);
    }
    let _ = write!(words, "{table}");
    for retired in shown["retired"].as_array().into_iter().flatten() {
        let _ = write!(words, "\nretired, until its runs are done: {}", text(retired));
    }
    for duplicate in shown["duplicates"].as_array().into_iter().flatten() {
        let _ = write!(words, "\nduplicate: {}", text(duplicate));
    }
    words
}
