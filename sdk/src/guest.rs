//! The component's side of the contract: the only file that touches its bindings.

use std::rc::Rc;
use std::time::Duration;

use crate::declare::Function;
use crate::error::{Error, Result, Retry};
use crate::executor;
use crate::log::Level;
use crate::replay::{Answer, Found, Host};

use self::bindings::system_bus::durable::{failures, steps};
use self::bindings::wasi::logging::logging;

#[allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated from `wit/`")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "guest",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "system_bus_sdk::guest::bindings",
    });
}

pub use self::bindings::exports::system_bus::durable::entry::Guest;
pub use self::bindings::system_bus::durable::failures::Failure;

/// Runs a function for the host that called this component.
pub fn run<F: Function>(call: String) -> std::result::Result<String, Failure> {
    executor::run::<F>(Rc::new(Worker), call, None).map_err(|error| failure(&error))
}

/// The answer to a call of a function that is not here.
pub fn unknown(function: &str) -> std::result::Result<String, Failure> {
    let message = format!(
        "this component has no function `{function}`: the server knows another build of it, so \
         register the worker again"
    );
    Err(failure(&Error::retry(message).named("UnknownFunction")))
}

pub(crate) fn log(level: Level, context: &str, message: &str) {
    let level = match level {
        Level::Trace => logging::Level::Trace,
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warn,
        Level::Error => logging::Level::Error,
    };
    logging::log(level, context, message);
}

struct Worker;

impl Host for Worker {
    fn next(&self, found: &[Found<'_>], dropped: &[u32]) -> Answer {
        let found: Vec<_> = found
            .iter()
            .map(|step| steps::Found {
                id: step.id.to_owned(),
                kind: step.kind.to_owned(),
                options: step.options.to_owned(),
            })
            .collect();
        answer(steps::next(&found, dropped))
    }

    fn next_one(&self, found: Found<'_>) -> Answer {
        answer(steps::next_one(found.id, found.kind, found.options))
    }

    fn finish(&self, outcome: Result<String>) {
        let outcome = outcome.map_err(|error| failure(&error));
        steps::finish(outcome.as_ref().map(String::as_str));
    }

    fn race(&self) {
        steps::race();
    }

    fn misfit(&self, step: u32, why: &str) {
        steps::misfit(step, why);
    }
}

fn answer(answer: steps::Answer) -> Answer {
    match answer {
        steps::Answer::Resolved(steps::Resolution { step, value }) => {
            Answer::Resolved { step, value }
        }
        steps::Answer::Execute(steps::Execution { step, input }) => Answer::Execute { step, input },
    }
}

fn failure(error: &Error) -> Failure {
    let retry = match error.policy() {
        Retry::Again => failures::Retry::Again,
        Retry::After(delay) => failures::Retry::After(milliseconds(delay)),
        Retry::Never => failures::Retry::Never,
    };
    Failure { error: error.to_json(), retry }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
