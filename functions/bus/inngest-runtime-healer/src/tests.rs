//! Whole runs, with the programs answered by the test.

mod flow;
mod tables;

use std::cell::RefCell;
use std::rc::Rc;

use stand_ins::{Ran, programs};

/// The commands that were run, in that order.
type Lines = Rc<RefCell<Vec<String>>>;

/// Answers the probes one after the other, the last one again and again, and the remedy with a code.
fn runtime(probes: Vec<Ran>, restart: i32) -> Lines {
    let lines = Lines::default();
    let seen = Rc::clone(&lines);
    let asked = RefCell::new(0);
    programs::stand_in(move |line| {
        seen.borrow_mut().push(line.join(" "));
        if line.get(2) == Some(&"restart-worker") {
            return Ran { code: restart, ..Ran::saying("{\"ok\": true}") };
        }
        let place = asked.replace_with(|asked| *asked + 1);
        probes[place.min(probes.len() - 1)].clone()
    });
    lines
}

/// What `inngest status` says of a server and a worker.
fn says(server: bool, worker: bool) -> Ran {
    Ran::saying(format!(
        "{{\"ok\": {}, \"command\": \"joelclaw inngest status\", \"result\": {{\"checks\": \
         {{\"server\": {{\"ok\": {server}}}, \"worker\": {{\"ok\": {worker}}}}}}}}}",
        server && worker
    ))
}
