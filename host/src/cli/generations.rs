//! `generations`: what is active on a worker, what was, and what is still in memory.

use std::fmt::Write as _;
use std::process::ExitCode;

use comfy_table::Table;
use serde_json::Value;

use crate::answer;
use crate::cli::Generations;
use crate::operate::Operated;

pub(crate) async fn run(args: Generations, json: bool) -> anyhow::Result<ExitCode> {
    let shown = Operated::new(&args.reach)?.get("api/generations").await?;
    Ok(answer::result(json, "generations", true, &shown, &words(&shown, args.count)))
}

fn words(shown: &Value, count: usize) -> String {
    let mut words = format!("generation {} ({})\n", shown["generation"], short(&shown["digest"]));
    let mut functions = Table::new();
    functions.set_header([
        "function",
        "component",
        "digest",
        "home",
        "mode",
        "canary",
        "moved",
        "stayed",
    ]);
    for function in list(&shown["functions"]) {
        let canary = &function["canary"];
        let canary = if canary.is_object() {
            format!("{} {}% ({} runs)", short(&canary["digest"]), canary["percent"], canary["runs"])
        } else {
            String::new()
        };
        let stayed = function["verdicts"]["stayed"].as_object().into_iter().flatten();
        let stayed: Vec<_> = stayed.map(|(verdict, count)| format!("{verdict} {count}")).collect();
        functions.add_row([
            text(&function["function"]),
            text(&function["component"]),
            short(&function["digest"]),
            text(&function["home"]),
            text(&function["mode"]),
            canary,
            function["verdicts"]["moved"].to_string(),
            stayed.join(", "),
        ]);
    }
    let _ = writeln!(words, "{functions}");
    for (name, rejected) in shown["rejected"].as_object().into_iter().flatten() {
        let _ = writeln!(words, "refused: {name}: {}", text(&rejected["reason"]));
    }
    for absent in list(&shown["absent"]) {
        let name = text(&absent["component"]);
        let _ = writeln!(
            words,
            "absent: {name} {}: {}",
            short(&absent["digest"]),
            text(&absent["reason"])
        );
    }
    for old in list(&shown["old"]) {
        let _ = writeln!(words, "in memory: {}, {} calls", short(&old["digest"]), old["calls"]);
    }
    let mut history = Table::new();
    history.set_header([
        "generation",
        "at",
        "function",
        "component",
        "digest",
        "percent",
        "by",
        "why",
    ]);
    for line in list(&shown["history"]).take(count) {
        history.add_row([
            line["generation"].to_string(),
            text(&line["at"]),
            text(&line["function"]),
            text(&line["component"]),
            line["digest"].as_str().map_or("taken away".to_owned(), |_| short(&line["digest"])),
            line["percent"].to_string(),
            text(&line["by"]),
            text(&line["why"]),
        ]);
    }
    let _ = write!(words, "{history}");
    words
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn short(digest: &Value) -> String {
    digest.as_str().and_then(|digest| digest.get(..12)).unwrap_or_default().to_owned()
}
