//! Attempts with files.

use std::collections::BTreeSet;

use system_bus_sdk::Refused;
use system_bus_sdk::fs::Root;
use system_bus_sdk::guest::bindings::system_bus::durable::fs_write;
use system_bus_sdk::prelude::*;

use super::{attempts, told};

/// One attempt: what to do, in which root, where, and what else it takes.
#[derive(Deserialize)]
pub(super) struct Attempt(String, String, String, #[serde(default)] String);

#[function(id = "tries-files", on("testing/files.tried"), retries = 1)]
pub(super) async fn tries_files(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |io| {
        let attempts = attempts::<Attempt>(&event)?;
        Ok(attempts.iter().map(|attempt| told(perform(&io, attempt))).collect())
    })
    .await
}

/// Writes where nothing may happen.
#[function(id = "tries-files-outside", on("testing/files-outside.tried"), retries = 1)]
pub(super) async fn tries_files_outside(_ctx: Ctx, _event: Incoming<Value>) -> Result<bool> {
    Ok(fs_write::write("files", "made-outside", b"ours").is_ok())
}

fn perform(io: &Io, Attempt(what, root, path, more): &Attempt) -> Result<String, Refused> {
    let root = io.fs().root(root);
    let done = |()| "done".to_owned();
    match what.as_str() {
        "read" => root.read_to_string(path),
        "list" => Ok(format!("{:?}", root.list(path)?)),
        "metadata" => Ok(format!("{:?}", root.metadata(path)?)),
        "write" => root.write(path, more).map(done),
        "append" => root.append(path, more).map(done),
        "make_folder" => root.make_folder(path).map(done),
        "rename" => root.rename(path, more).map(done),
        "replace" => root.rename(more, path).map(done),
        "remove" => root.remove(path).map(done),
        "fill" => fill(&root, path, more),
        "race" => Ok(race(&root, path, more.parse().unwrap_or_default())),
        "hoard" => hoard(&root, path, more.parse().unwrap_or_default()),
        other => Ok(format!("{other} is no attempt")),
    }
}

/// Writes until it is stopped: bytes into one file or into many, empty files, or folders.
fn fill(root: &Root, path: &str, how: &str) -> Result<String, Refused> {
    let block = [b'x'; 16 << 10];
    for n in 0..10_000 {
        match how {
            "append" => root.append(path, block)?,
            "bytes" => root.write(&format!("{path}-{n}"), block)?,
            "files" => root.write(&format!("{path}-{n}"), "")?,
            _ => root.make_folder(&format!("{path}-{n}"))?,
        }
    }
    Ok("nobody stopped it".to_owned())
}

/// Reads, lists, and writes at a path that somebody else changes all the time; tells what it ever saw.
fn race(root: &Root, path: &str, times: u32) -> String {
    let mut seen = BTreeSet::new();
    let within = format!("{path}/secret");
    for _ in 0..times {
        for path in [path, &within] {
            seen.extend(root.read_to_string(path));
            seen.extend(root.list(path).unwrap_or_default().into_iter().map(|entry| entry.name));
            // What it is refused is not the question here; what it gets is.
            let _ = root.append(path, "+");
            let _ = root.write(path, "ours");
        }
        let _ = root.write(&format!("{path}/made"), "ours");
        let _ = root.remove(&format!("{path}/made"));
    }
    seen.into_iter().collect::<Vec<_>>().join(" ")
}

/// Opens the same things thousands of times.
fn hoard(root: &Root, path: &str, times: u32) -> Result<String, Refused> {
    let mut bytes = 0;
    for _ in 0..times {
        bytes += root.read(path)?.len();
        bytes += root.read_at(path, 0, 1)?.len();
        root.list("")?;
    }
    Ok(format!("{bytes} bytes"))
}
