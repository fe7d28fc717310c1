//! What was published when: one line of JSON for each time, in a file beside the sources.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::LogArgs;
use crate::say;

/// One time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Published {
    pub(crate) at: Timestamp,
    /// `image`, `components` or `rollback`.
    pub(crate) what: String,
    pub(crate) tag: String,
    /// The image with its digest, or the references of the components.
    pub(crate) references: Vec<String>,
    /// The source revision of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
    /// `deployed`, `pushed`, or `rolled back: ` and why.
    pub(crate) outcome: String,
}

/// Notes one.
pub(crate) fn note(file: &Path, published: &Published) -> anyhow::Result<()> {
    let what = || format!("{}: what was published is not noted", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(what)?;
    }
    let mut line = serde_json::to_string(published).with_context(what)?;
    line.push('\n');
    let mut file = OpenOptions::new().append(true).create(true).open(file).with_context(what)?;
    file.write_all(line.as_bytes()).with_context(what)
}

/// All, the oldest first.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Published>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| file.display().to_string()),
    };
    let parse = |(number, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("{}:{}", file.display(), number + 1))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(parse).collect()
}

/// `publish log`.
pub(crate) fn show(args: &LogArgs, json: bool) -> anyhow::Result<()> {
    let all = read(&args.log.log)?;
    let newest: Vec<_> = all.iter().rev().take(args.count).collect();
    let line = |it: &&Published| format!("{}  {}  {}  {}", it.at, it.what, it.tag, it.outcome);
    let words = match newest.len() {
        0 => "nothing was published yet".to_owned(),
        _ => newest.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    say::done(json, "log", &json!({ "published": newest }), &words);
    Ok(())
}
