//! Functions that block: the interface `blocking` without an SDK, as one for a language without futures would use it.
#![cfg(target_family = "wasm")]
#![no_main]

use serde_json::{Value, json};

use self::bindings::exports::system_bus::durable::entry::Guest;
use self::bindings::system_bus::durable::blocking::{
    Begun, Execution, Planned, Step, begin, finish, plan, resume,
};
use self::bindings::system_bus::durable::failures::{Failure, Retry};

#[allow(missing_docs, unsafe_code, clippy::pedantic, reason = "generated from `wit/`")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "durable-blocking", generate_all });
}

struct Component;

/// What a step body and a step end with: JSON, or an error as JSON.
type Ended = Result<String, String>;

fn step(id: &str, kind: &str, options: &Value) -> Step {
    let options = if options.is_null() { String::new() } else { options.to_string() };
    Step { id: id.to_owned(), kind: kind.to_owned(), options }
}

fn run(id: &str, body: impl FnOnce(Option<String>) -> Result<Value, Failure>) -> Ended {
    match begin(&step(id, "run", &Value::Null)) {
        Begun::Ended(end) => end,
        Begun::Execute(input) => written(body(input)),
    }
}

fn written(outcome: Result<Value, Failure>) -> Ended {
    let outcome = outcome.map(|value| value.to_string());
    finish(outcome.as_deref())
}

fn wait(id: &str, kind: &str, options: &Value) -> Ended {
    match begin(&step(id, kind, options)) {
        Begun::Ended(end) => end,
        Begun::Execute(_) => unreachable!("only `run` has a body"),
    }
}

/// Bodies of siblings, which run in calls of their own.
fn together(ids: &[&str], body: impl Fn(usize) -> Result<Value, Failure>) -> Vec<Ended> {
    let steps: Vec<_> = ids.iter().map(|id| step(id, "run", &Value::Null)).collect();
    let mut told = plan(&steps);
    loop {
        match told {
            Planned::Ended(ends) => return ends,
            Planned::Execute(Execution { position, .. }) => {
                let _ = written(body(position as usize));
                told = resume();
            }
        }
    }
}

fn failure(name: &str, message: &str, retry: Retry) -> Failure {
    Failure { error: json!({"name": name, "message": message}).to_string(), retry }
}

fn thrown(end: Ended) -> Result<String, Failure> {
    end.map_err(|error| Failure { error, retry: Retry::Never })
}

fn row() -> Result<String, Failure> {
    let a = thrown(run("a", |_| Ok(json!(1))))?;
    let b = thrown(run("b", |_| Ok(json!(2))))?;
    Ok(format!("[{a},{b}]"))
}

fn siblings() -> Result<String, Failure> {
    let ends = together(&["x", "y", "z"], |at| Ok(json!(at)));
    let values = ends.into_iter().map(thrown).collect::<Result<Vec<_>, _>>()?;
    thrown(run("after", |_| Ok(json!(values.join("+")))))
}

fn waits() -> Result<String, Failure> {
    thrown(wait("nap", "sleep", &json!({"milliseconds": 50})))?;
    let options = json!({"event": "testing/go", "milliseconds": 1000});
    thrown(wait("go", "wait-for-event", &options))
}

fn caught() -> Result<String, Failure> {
    match run("doomed", |_| Err(failure("Doomed", "no use", Retry::Never))) {
        Ok(_) => Err(failure("Error", "the step should have failed", Retry::Never)),
        Err(error) => thrown(run("rescue", |_| Ok(json!(error)))),
    }
}

impl Guest for Component {
    fn describe() -> String {
        let function =
            |id: &str| json!({"id": id, "triggers": [{"event": format!("testing/{id}")}]});
        let functions = ["row", "siblings", "waits", "caught", "edited"].map(function);
        json!({"sdk": "none/0", "functions": functions}).to_string()
    }

    fn invoke(function: String, _call: String) -> Result<String, Failure> {
        match function.as_str() {
            "row" => row(),
            "siblings" => siblings(),
            "waits" => waits(),
            "caught" => caught(),
            "edited" => thrown(run("edited", |input| Ok(json!(input)))),
            _ => Err(failure("UnknownFunction", &function, Retry::Again)),
        }
    }
}

#[allow(unsafe_code, clippy::pedantic, reason = "generated from `wit/`")]
const _: () = {
    bindings::export!(Component with_types_in bindings);
};
