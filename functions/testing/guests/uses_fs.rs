//! Works with files, and tries what it may not.
#![cfg(target_family = "wasm")]
#![no_main]

use std::collections::BTreeSet;

use system_bus_sdk::Refused;
use system_bus_sdk::fs::{Kind, Root};
use system_bus_sdk::prelude::*;

/// One operation: its name, a root, a path, and what else it takes.
#[derive(Deserialize)]
struct Operation(String, String, String, #[serde(default)] String);

/// Does what the event lists, one after the other, and tells what came of each. It alone listens to its event.
#[function(id = "does", on("testing/fs.listed"), retries = 4)]
async fn does(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("do", async |io| {
        let operations: Vec<Operation> = serde_json::from_value(event.data["do"].clone()).stop()?;
        Ok(operations.iter().map(|operation| told(perform(&io, operation))).collect())
    })
    .await
}

/// Lets the refusal of one operation end the step.
#[function(id = "fails", on("testing/fs.requested"), retries = 4)]
async fn fails(ctx: Ctx, event: Incoming<Value>) -> Result<String> {
    ctx.step("fail", async |io| {
        let operation: Operation = serde_json::from_value(event.data["do"].clone()).stop()?;
        Ok(perform(&io, &operation)?)
    })
    .await
}

/// Leaves a file for its next step, and reads it there.
#[function(id = "hands-on", on("testing/fs.requested"), retries = 4)]
async fn hands_on(ctx: Ctx, _event: Incoming<Value>) -> Result<String> {
    ctx.step("leave", async |io| Ok(io.fs().scratch().write("kept", "from the first step")?))
        .await?;
    ctx.step("take", async |io| Ok(io.fs().scratch().read_to_string("kept")?)).await
}

/// Every way to leave a root by name, with every operation; tells which were not refused as such.
#[function(id = "leaves-its-root", on("testing/fs.requested"), retries = 4)]
async fn leaves_its_root(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    let outside = event.data["outside"].as_str().unwrap_or_default();
    ctx.step("leave", async |io| {
        let paths = [
            "..".to_owned(),
            format!("../{outside}"),
            format!("here/../../{outside}"),
            format!("./../{outside}"),
            format!("here/./../..//{outside}"),
            format!("/{outside}"),
            "/etc/passwd".to_owned(),
            "//etc/passwd".to_owned(),
            "../../../../../../../../etc/passwd".to_owned(),
        ];
        let mut got = Vec::new();
        for path in &paths {
            for (name, outcome) in everything(&io.fs().root("notes"), path) {
                if !outcome.starts_with("Denied: ") || !outcome.contains("is no path in the root") {
                    got.push(format!("{name} {path:?}: {outcome}"));
                }
            }
        }
        Ok(got)
    })
    .await
}

/// Every operation at each of the paths that the event lists; tells what came of it.
#[function(id = "tries", on("testing/fs.requested"), retries = 4)]
async fn tries(ctx: Ctx, event: Incoming<Value>) -> Result<Vec<String>> {
    ctx.step("try", async |io| {
        let paths: Vec<String> = serde_json::from_value(event.data["paths"].clone()).stop()?;
        let notes = io.fs().root("notes");
        let tried = paths.iter().flat_map(|path| {
            let all = everything(&notes, path);
            all.into_iter().map(move |(name, outcome)| format!("{name} {path}: {outcome}"))
        });
        Ok(tried.collect())
    })
    .await
}

/// Reads, appends and writes at a path that somebody else changes all the time; tells what it ever read.
#[function(id = "races", on("testing/fs.requested"), retries = 4)]
async fn races(ctx: Ctx, event: Incoming<Value>) -> Result<BTreeSet<String>> {
    ctx.step("race", async |io| {
        let notes = io.fs().root("notes");
        let paths: Vec<String> = serde_json::from_value(event.data["paths"].clone()).stop()?;
        let mut read = BTreeSet::new();
        for _ in 0..event.data["times"].as_u64().unwrap_or_default() {
            for path in &paths {
                if let Ok(content) = notes.read_to_string(path) {
                    read.insert(content);
                }
                for entry in notes.list(path).unwrap_or_default() {
                    read.insert(format!("{} is there", entry.name));
                }
                let _ = notes.append(path, "+");
                let _ = notes.write(path, "ours");
                let _ = notes.write(&format!("{path}/made"), "ours");
                let _ = notes.remove(&format!("{path}/made"));
            }
        }
        Ok(read)
    })
    .await
}

/// Writes until it is stopped; tells how often it was not, and by what it was.
#[function(id = "fills-the-disk", on("testing/fs.requested"), retries = 4)]
async fn fills_the_disk(ctx: Ctx, event: Incoming<Value>) -> Result<(u32, String)> {
    ctx.step("fill", async |io| {
        let name = event.data["root"].as_str().unwrap_or_default();
        let how = event.data["how"].as_str().unwrap_or_default();
        let root = io.fs().root(name);
        let block = vec![b'x'; 4096];
        let mut folder = String::new();
        for n in 0..100_000 {
            folder += "d/";
            let done = match how {
                "files" => root.write(&format!("file-{n}"), ""),
                "folders" => root.make_folder(&format!("folder-{n}")),
                "bytes" => root.write(&format!("file-{n}"), &block),
                "append" => root.append("file", &block),
                // Deeper than anybody can remove.
                _ => {
                    root.make_folder(&folder).and_then(|()| root.rename("d", "e")).and_then(|()| {
                        root.make_folder(&folder)?;
                        root.rename("e", &format!("{folder}e"))
                    })
                }
            };
            if let Err(refused) = done {
                return Ok((n, told(Err(refused))));
            }
        }
        Ok((u32::MAX, "nobody stopped it".to_owned()))
    })
    .await
}

/// Thousands of operations.
#[function(id = "opens-many", on("testing/fs.requested"), retries = 4)]
async fn opens_many(ctx: Ctx, event: Incoming<Value>) -> Result<usize> {
    ctx.step("open", async |io| {
        let notes = io.fs().root("notes");
        let mut read = 0;
        for _ in 0..event.data["times"].as_u64().unwrap_or_default() {
            read += notes.read("a")?.len();
            read += notes.read_at("a", 0, 1)?.len();
            read += notes.list("")?.len();
            notes.metadata("a")?;
            let _ = notes.read("missing");
            let _ = notes.read("folder");
            let _ = io.fs().scratch().list("");
        }
        Ok(read)
    })
    .await
}

/// Reads a file where nothing may happen.
#[function(id = "reads-outside", on("testing/fs.requested"), retries = 4)]
async fn reads_outside(ctx: Ctx, _event: Incoming<Value>) -> Result<String> {
    let kept = std::cell::RefCell::new(None);
    ctx.step("keep", async |io| {
        *kept.borrow_mut() = Some(io.fs().root("notes"));
        Ok(())
    })
    .await?;
    let notes = kept.take().ok_or_else(|| Error::stop("a replay has no root"))?;
    Ok(notes.read_to_string("a")?)
}

/// What each operation says at this path.
fn everything(root: &Root, path: &str) -> Vec<(&'static str, String)> {
    vec![
        ("read", told(root.read_to_string(path))),
        ("read_at", told(root.read_at(path, 0, 100).map(|read| format!("{read:?}")))),
        ("list", told(root.list(path).map(|list| format!("{list:?}")))),
        ("metadata", told(root.metadata(path).map(|metadata| format!("{metadata:?}")))),
        ("append", told(root.append(path, "+").map(done))),
        ("write", told(root.write(path, "ours").map(done))),
        ("make_folder", told(root.make_folder(path).map(done))),
        ("rename", told(root.rename(path, "here/taken").map(done))),
        ("replace", told(root.rename("here/ours", path).map(done))),
        ("remove", told(root.remove(path).map(done))),
    ]
}

fn perform(io: &Io, operation: &Operation) -> std::result::Result<String, Refused> {
    let Operation(name, root, path, more) = operation;
    let root = io.fs().root(root);
    match name.as_str() {
        "read" => root.read_to_string(path),
        "read_at" => {
            let (offset, length) = more.split_once('+').unwrap_or_default();
            let (offset, length) = (offset.parse(), length.parse());
            let read =
                root.read_at(path, offset.unwrap_or_default(), length.unwrap_or_default())?;
            Ok(String::from_utf8_lossy(&read).into_owned())
        }
        "list" => Ok(root
            .list(path)?
            .into_iter()
            .map(|entry| entry.name + if entry.kind == Kind::Folder { "/" } else { "" })
            .collect::<Vec<_>>()
            .join(" ")),
        "metadata" => {
            let known = root.metadata(path)?;
            Ok(format!("{:?} {} {}", known.kind, known.size, known.modified.is_some()))
        }
        "write" => root.write(path, more).map(done),
        "write_large" => root.write(path, vec![b'x'; more.parse().unwrap_or_default()]).map(done),
        "append" => root.append(path, more).map(done),
        "append_large" => root.append(path, vec![b'x'; more.parse().unwrap_or_default()]).map(done),
        "make_folder" => root.make_folder(path).map(done),
        "rename" => root.rename(path, more).map(done),
        "remove" => root.remove(path).map(done),
        other => Ok(format!("{other} is no operation")),
    }
}

fn done((): ()) -> String {
    "done".to_owned()
}

/// A refusal as its reason and its words.
fn told(outcome: std::result::Result<String, Refused>) -> String {
    outcome.unwrap_or_else(|refused| format!("{:?}: {refused}", refused.reason()))
}

system_bus_sdk::component![
    does,
    fails,
    hands_on,
    leaves_its_root,
    tries,
    races,
    fills_the_disk,
    opens_many,
    reads_outside
];
