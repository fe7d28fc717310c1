//! What a status command says of the runtime.

use outside::Exit;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much of a program's output is kept.
const KEPT: usize = 340;

/// What was seen of the runtime.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// Whether server and worker are well.
    pub healthy: bool,
    /// What that is taken from: `worker.reachable`, `checks`, `ok` or `exit`.
    pub by: String,
    /// The check of the server, where there is one.
    pub server: Option<bool>,
    /// The check of the worker, where there is one.
    pub worker: Option<bool>,
    /// Whether the worker was reached, where that is said.
    pub worker_reachable: Option<bool>,
    /// The command.
    pub command: Command,
}

/// A command and what came of it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// The command.
    pub command: String,
    /// Its code; 124 after its time, none where it did not run.
    pub exit_code: Option<i32>,
    /// The beginning of its output.
    pub stdout: String,
    /// The beginning of its errors.
    pub stderr: String,
}

impl Command {
    pub(crate) fn of(program: &str, arguments: &[String], exit: &Exit) -> Self {
        Self {
            command: format!("{program} {}", arguments.join(" ")),
            exit_code: Some(exit.code),
            stdout: beginning(&exit.stdout),
            stderr: beginning(&exit.stderr),
        }
    }
}

fn beginning(text: &str) -> String {
    text.trim().chars().take(KEPT).collect()
}

impl Probe {
    pub(crate) fn of(command: Command, exit: &Exit) -> Self {
        let told = told(exit);
        let check = |name: &str| {
            let check = [&told["result"]["checks"][name], &told["checks"][name]];
            check.into_iter().find_map(|check| check.as_bool().or_else(|| check["ok"].as_bool()))
        };
        let reachable = [&told["result"]["worker"]["reachable"], &told["worker"]["reachable"]];
        let worker_reachable = reachable.into_iter().find_map(Value::as_bool);
        let (server, worker) = (check("server"), check("worker"));
        let (healthy, by) = match (worker_reachable, server, worker, told["ok"].as_bool()) {
            (Some(false), ..) => (false, "worker.reachable"),
            (_, Some(server), Some(worker), _) => (server && worker, "checks"),
            (.., Some(ok)) => (ok, "ok"),
            _ => (exit.code == 0, "exit"),
        };
        Self { healthy, by: by.to_owned(), server, worker, worker_reachable, command }
    }
}

/// The JSON object in the output, in the errors, or in both together, with whatever else was
/// printed around it.
fn told(exit: &Exit) -> Value {
    let both = format!("{}\n{}", exit.stdout, exit.stderr);
    [&exit.stdout, &exit.stderr, &both]
        .into_iter()
        .find_map(|text| object(text))
        .unwrap_or_default()
}

fn object(text: &str) -> Option<Value> {
    let (first, last) = (text.find('{')?, text.rfind('}')?);
    serde_json::from_str(text.get(first..=last)?).ok().filter(Value::is_object)
}
