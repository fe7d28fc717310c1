//! Whole backups, with programs and Typesense answered by the test.

mod failures;
mod flow;
mod tables;

use outside::testing::{World, ended, said};
use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_sdk::shell::{Output, ShellError};
use system_bus_testing::Kit;

/// What comes of a program.
type Ran = Result<Output, ShellError>;

/// A world in which everything works but for the commands that `spoil` answers.
fn world(kit: &mut Kit, spoil: impl Fn(&str) -> Option<Ran> + 'static) -> World {
    kit.http(|_| Ok(Response::new(201).with_json(&json!({"success": true}))));
    let world = World::begin();
    world.programs(move |program| {
        let line = program.line();
        spoil(&line).unwrap_or_else(|| match line.as_str() {
            line if line.contains("-maxdepth") => {
                let words = program.arguments();
                let root = &words[words.len() - 7];
                let names = ["20260301-d", "20260227-b", "20260228-c", "20260226-a"];
                said(names.map(|name| format!("{root}/{name}\n")).concat())
            }
            line if line.starts_with("find") => said("/tmp/state\n"),
            _ => said(""),
        })
    });
    world
}

/// Everything works.
fn well(_line: &str) -> Option<Ran> {
    None
}

/// A program fails with this code and these words.
fn failing(code: i32, stderr: &str) -> Ran {
    ended("a program", code, stderr)
}

/// A request for another run.
fn retry(attempt: u32) -> Outgoing {
    let data = json!({"targetFunctionId": "system/backup.typesense", "attempt": attempt});
    Outgoing::named("system/backup.retry.requested", &data).id(format!("event-{attempt}"))
}

/// Where in the list of commands one is, by its beginning.
fn place(lines: &[String], beginning: &str) -> Option<usize> {
    lines.iter().position(|line| line.starts_with(beginning))
}
