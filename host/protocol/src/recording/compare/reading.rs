//! What outcomes and memos say, in the words of a comparison.

use serde_json::Value;

use super::{Asks, Followed, FoundStep, Told};
use crate::id::StepId;
use crate::op::{Op, OpCode};
use crate::outcome::Outcome;
use crate::recording::RecordedStep;
use crate::replay::Misfit;

/// What a call without any proof says of the code.
pub(super) fn asked(told: Told) -> Asks {
    let outcome = match told {
        Told::Broke(why) => return Asks::Breaks(why),
        Told::Outcome(outcome) => outcome,
    };
    match outcome {
        Outcome::Planned(ops) => Asks::Steps(ops.iter().map(found).collect()),
        Outcome::Done(data) => Asks::Returns(serde_json::from_str(data.get()).unwrap_or_default()),
        Outcome::Failed { error, .. } => Asks::Fails(format!("{}: {}", error.name, error.message)),
        other => Asks::Breaks(format!("a replay cannot end so: {other:?}")),
    }
}

/// A step that was followed, under the name that the code has for it.
pub(super) fn follow(at: usize, step: &RecordedStep, asks: &Asks) -> Followed {
    let hash = |name: &str| StepId::hash(name) == step.id;
    let found = match asks {
        Asks::Steps(found) => found.iter().find(|found| hash(&found.name)),
        _ => None,
    };
    let name = found.map(|found| found.name.clone()).or_else(|| step.name.clone());
    Followed {
        position: at + 1,
        name: name.unwrap_or_else(|| step.id.to_string()),
        kind: found.map(|found| found.kind),
    }
}

fn found(op: &Op) -> FoundStep {
    // As the server shows it: repeats of one name are counted.
    let name = match op.step.index {
        0 => op.step.name.clone(),
        index => format!("{}:{index}", op.step.name),
    };
    FoundStep { name, kind: kind(&op.code) }
}

fn kind(code: &OpCode) -> &'static str {
    match code {
        OpCode::Sleep(_) => "sleep",
        OpCode::WaitForEvent(_) => "wait-for-event",
        OpCode::WaitForSignal(_) => "wait-for-signal",
        OpCode::InvokeFunction(_) => "invoke",
        OpCode::Gateway(_) => "fetch",
        OpCode::AiGateway(_) => "infer",
        _ => "run",
    }
}

/// What a memo tells of the kind of its step.
pub(super) fn kind_of(memo: &str) -> &'static str {
    let memo: Value = serde_json::from_str(memo).unwrap_or_default();
    match &memo {
        Value::Null => "a sleep, or a wait that gave up",
        Value::Object(members) if members.contains_key("error") => "a step that failed",
        Value::Object(members) if members.len() == 1 && members.contains_key("data") => {
            "a step with a result"
        }
        Value::Object(members) if members.contains_key("name") => "an event that was waited for",
        _ => "a step",
    }
}

/// A misfit of one step more than the code has followed.
pub(super) fn misfit_at(misfit: &Misfit) -> String {
    match misfit {
        Misfit::Orphaned { .. } => "this code does not ask for it here".to_owned(),
        misfit => misfit.to_string(),
    }
}

/// Whether two results are the same, however a server writes numbers.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let found = |(name, member)| other.get(name).is_some_and(|other| same(member, other));
            one.len() == other.len() && one.iter().all(found)
        }
        (one, other) => one == other,
    }
}
