//! `grants`: what each component imports, what is granted to it, and what it has used; or whether a file of grants is sound.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use comfy_table::Table;
use runtime::placement::Capability;
use serde_json::{Value, json};

use crate::answer;
use crate::cli::Grants;
use crate::granting::GrantsFile;
use crate::operate::Operated;

pub(crate) async fn run(args: Grants, json: bool) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.check {
        return check(file, &args, json);
    }
    let shown = Operated::new(&args.reach)?.get("api/grants").await?;
    Ok(answer::result(json, "grants", true, &shown, &words(&shown)))
}

/// Reads a file as a worker would; more strictly where a folder of components is named.
fn check(file: &Path, args: &Grants, json: bool) -> anyhow::Result<ExitCode> {
    let read = GrantsFile::read(Some(file))?;
    if !args.elsewhere {
        read.check_whole_machine()?;
    }
    if let Some(folder) = &args.components {
        let known = names(folder)?;
        read.check_components(known.iter().map(String::as_str))?;
    }
    let granted = read.grants().granted();
    let components: Vec<_> = granted
        .components()
        .map(|name| {
            let granted: Vec<_> = granted.of(name).map(Capability::name).collect();
            json!({ "name": name, "granted": granted })
        })
        .collect();
    let mut words = format!("{} is sound: {} components", file.display(), components.len());
    for component in &components {
        // Writing to memory cannot fail.
        let _ = write!(words, "\n  {}: {}", text(&component["name"]), list(&component["granted"]));
    }
    let result = json!({ "file": file.display().to_string(), "components": components });
    Ok(answer::result(json, "grants", true, &result, &words))
}

/// The names of the components in a folder.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let what = || format!("{}; check --components", folder.display());
    let entries = std::fs::read_dir(folder).with_context(what)?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.with_context(what)?.path();
        if path.extension().is_some_and(|extension| extension == "wasm")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn words(shown: &Value) -> String {
    let mut capabilities = Table::new();
    capabilities.set_header([
        "component",
        "capability",
        "imported",
        "granted",
        "calls",
        "denied",
        "lost",
    ]);
    let mut lines = Table::new();
    lines.set_header(["component", "grant", "allowed", "of these"]);
    let (mut wanting, mut smaller) = (String::new(), String::new());
    for component in items(&shown["components"]) {
        let name = text(&component["name"]);
        for row in items(&component["capabilities"]) {
            let yes = |key: &str| if row[key] == true { "yes" } else { "no" };
            let granted = if row["authority"] == true { yes("granted") } else { "not needed" };
            let capability = text(&row["capability"]);
            capabilities.add_row([
                &name,
                &capability,
                yes("imported"),
                granted,
                &row["calls"].to_string(),
                &row["denied"].to_string(),
                &row["lost"].to_string(),
            ]);
            if granted == "no" && row["imported"] == true {
                // Writing to memory cannot fail.
                let _ = write!(
                    wanting,
                    "\nnot granted: {name} imports {capability}; its calls are refused"
                );
            }
        }
        for line in items(&component["lines"]) {
            let grant = format!("{} {}", text(&line["capability"]), text(&line["line"]));
            lines.add_row([&name, &grant, &line["calls"].to_string(), &used_parts(line)]);
        }
        if component["smaller"].is_object() {
            for why in items(&component["smaller"]["why"]) {
                let _ = write!(smaller, "\n# {}", text(why));
            }
            let _ = write!(smaller, "\n{}\n", text(&component["smaller"]["toml"]));
        }
    }
    let mut words = format!(
        "{capabilities}\ncounted since {} by process {}; what runs seldom, and what other workers do, is not in it{wanting}",
        text(&shown["since"]),
        shown["process"]
    );
    for stranger in items(&shown["strangers"]) {
        let _ =
            write!(words, "\nnot here: the grants name {}, which is not active", text(stranger));
    }
    if lines.row_count() > 0 {
        let _ = write!(words, "\n\n{lines}");
    }
    if !smaller.is_empty() {
        let _ = write!(words, "\n\nwould have been enough since then:\n{smaller}");
    }
    words
}

/// What of a line was used: `read 3, write 1`.
fn used_parts(line: &Value) -> String {
    let used = items(&line["parts"]).filter(|part| part["calls"] != 0);
    let used: Vec<_> =
        used.map(|part| format!("{} {}", text(&part["name"]), part["calls"])).collect();
    used.join(", ")
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> String {
    let all: Vec<_> = items(value).map(text).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_what_is_wanting_and_what_could_be_smaller() {
        let row = |capability: &str, imported: bool, granted: bool| {
            json!({ "capability": capability, "imported": imported, "granted": granted, "authority": true,
                "calls": 2, "denied": 1, "lost": 35 })
        };
        let line = json!({ "capability": "fs", "line": "{ root = \"n\" }", "calls": 4,
            "parts": [{ "name": "read", "calls": 4 }, { "name": "write", "calls": 0 }] });
        let words = words(&json!({
            "since": "2026-01-01T00:00:00Z", "process": 7, "strangers": ["gone"],
            "components": [
                { "name": "backup", "capabilities": [row("fs", true, false), row("shell", false, true)],
                    "lines": [line],
                    "smaller": { "why": ["shell: backup does not import it"], "toml": "[components.backup]" } },
                { "name": "report", "capabilities": [], "lines": [], "smaller": null },
            ],
        }));
        for part in [
            " lost ",
            " 35 ",
            "counted since 2026-01-01T00:00:00Z by process 7;",
            "not granted: backup imports fs; its calls are refused",
            "fs { root = \"n\" }",
            " read 4 ",
            "\n# shell: backup does not import it\n[components.backup]\n",
            "not here: the grants name gone",
        ] {
            assert!(words.contains(part), "{words}");
        }
        for part in ["backup imports shell", "write 0", "report"] {
            assert!(!words.contains(part), "{words}");
        }
    }
}
