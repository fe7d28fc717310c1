//! `build`: every function of the workspace → the folder that workers load.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::Build;
use crate::{answer, workspace};

pub(crate) async fn run(args: Build, json: bool) -> anyhow::Result<ExitCode> {
    let workspace = workspace::find()?;
    let out = if args.out.is_absolute() { args.out } else { workspace.join(args.out) };
    let placed = workspace::build(workspace, out).await?;
    let mut words = String::new();
    for component in &placed {
        let changed = if component.changed { "" } else { " (unchanged)" };
        let kib = component.bytes.div_ceil(1024);
        writeln!(words, "{} {kib} KiB{changed}", component.path.display())?;
    }
    let result: Vec<_> = placed
        .iter()
        .map(|c| json!({ "path": c.path, "bytes": c.bytes, "changed": c.changed }))
        .collect();
    Ok(answer::result(json, "build", true, &result, words.trim_end()))
}
