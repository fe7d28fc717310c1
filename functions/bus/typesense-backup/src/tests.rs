//! Whole backups, with programs and Typesense answered by the test.

mod failures;
mod flow;
mod tables;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::json;
use stand_ins::{Ran, programs};
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

/// The commands that were run, in that order.
type Lines = Rc<RefCell<Vec<String>>>;

/// A world in which everything works but for the commands that `spoil` answers.
fn world(kit: &mut Kit, spoil: impl Fn(&str) -> Option<Ran> + 'static) -> Lines {
    kit.http(|_| Ok(Response::new(201).with_json(&json!({"success": true}))));
    let lines = Lines::default();
    let seen = Rc::clone(&lines);
    programs::stand_in(move |words| {
        let line = words.join(" ");
        seen.borrow_mut().push(line.clone());
        spoil(&line).unwrap_or_else(|| match line.as_str() {
            line if line.contains("-maxdepth") => {
                let root = words[words.len() - 7];
                let names = ["20260301-d", "20260227-b", "20260228-c", "20260226-a"];
                Ran::saying(names.map(|name| format!("{root}/{name}\n")).concat())
            }
            line if line.starts_with("find") => Ran::saying("/tmp/state\n"),
            _ => Ran::default(),
        })
    });
    lines
}

/// Everything works.
fn well(_line: &str) -> Option<Ran> {
    None
}

/// A request for another run.
fn retry(attempt: u32) -> Outgoing {
    let data = json!({"targetFunctionId": "system/backup.typesense", "attempt": attempt});
    Outgoing::named("system/backup.retry.requested", &data).id(format!("event-{attempt}"))
}

/// Where in the list of commands one is, by its beginning.
fn place(lines: &Lines, beginning: &str) -> Option<usize> {
    lines.borrow().iter().position(|line| line.starts_with(beginning))
}
