//! `new`: the folder of a function, which builds at once.

use std::path::{Path, absolute};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use crate::answer;
use crate::cli::New;
use crate::creating::{self, Sdk};

pub(crate) fn run(args: New, json: bool) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder is unknown")?;
    let folder = match args.folder {
        Some(folder) => absolute(folder)?.join(args.name.as_str()),
        None => creating::place_for(&args.name, &here),
    };
    let sdk = args.sdk.as_deref().map(Sdk::named).transpose()?;
    let created = creating::create(&args.name, &folder, sdk)?;
    let shown = |path: &Path| path.strip_prefix(&here).unwrap_or(path).display().to_string();
    let next = format!("system-bus dev {}", shown(&created.folder));
    let result = json!({
        "function": args.name.as_str(), "folder": created.folder, "files": created.files,
        "workspace": created.workspace, "next": next,
    });
    let mut words = format!("made {}", shown(&created.folder));
    for file in &created.files {
        words = format!("{words}\n  {}", file.display());
    }
    if let Some(workspace) = &created.workspace {
        words = format!("{words}\na member of the workspace {}", workspace.display());
    }
    let words = format!("{words}\nrun it, and again whenever you save it:\n  {next}");
    Ok(answer::result(json, "new", true, &result, &words))
}
