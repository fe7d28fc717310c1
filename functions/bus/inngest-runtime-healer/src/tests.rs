//! Whole runs, with the programs answered by the test.

mod flow;
mod tables;

use std::cell::Cell;

use outside::testing::{World, said};
use system_bus_sdk::shell::{Ending, Output, ShellError};

/// What comes of a program.
type Ran = Result<Output, ShellError>;

/// A world in which the probes are answered one after the other, the last one again and again, and
/// the remedy with a code.
fn runtime(probes: Vec<Ran>, restart: i32) -> World {
    let world = World::begin();
    let asked = Cell::new(0);
    world.programs(move |program| {
        if program.arguments().get(1).is_some_and(|word| word == "restart-worker") {
            return ends(Ending::Exited(restart), "{\"ok\": true}");
        }
        let place = asked.replace(asked.get() + 1);
        probes[place.min(probes.len() - 1)].clone()
    });
    world
}

/// What comes of a program that says this and ends so.
fn ends(ending: Ending, stdout: &str) -> Ran {
    let output = said(stdout)?;
    if ending == Ending::Exited(0) {
        return Ok(output);
    }
    Err(ShellError::Failed { program: "joelclaw".to_owned(), ending, output })
}

/// What `inngest status` says of a server and a worker.
fn says(server: bool, worker: bool) -> Ran {
    said(format!(
        "{{\"ok\": {}, \"command\": \"joelclaw inngest status\", \"result\": {{\"checks\": \
         {{\"server\": {{\"ok\": {server}}}, \"worker\": {{\"ok\": {worker}}}}}}}}}",
        server && worker
    ))
}
