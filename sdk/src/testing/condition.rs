//! What a step waits for, evaluated.

use std::collections::HashMap;
use std::thread;

use cel::{Context, Program, Value};
use serde_json::Value as Json;

/// The evaluator recurses, deeper than the stack of a test's thread has room for.
const STACK: usize = 64 << 20;

/// Whether a condition over `event` and `async` holds. What cannot be evaluated does not hold, as
/// on the server.
///
/// # Panics
///
/// When the condition is no CEL.
pub(super) fn holds(condition: &str, event: &Json, candidate: &Json) -> bool {
    let evaluate = || {
        let program = Program::compile(condition)
            .unwrap_or_else(|error| panic!("the condition `{condition}` is no CEL: {error}"));
        let mut context = Context::default();
        context.add_variable_from_value("event", value(event));
        context.add_variable_from_value("async", value(candidate));
        matches!(program.execute(&context), Ok(Value::Bool(true)))
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, evaluate);
        thread.expect("a test may have a thread").join()
    })
    .unwrap_or_else(|problem| std::panic::resume_unwind(problem))
}

/// JSON as CEL sees it.
pub(crate) fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Null,
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().map(value).collect::<Vec<_>>().into(),
        Json::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), value(member)))
            .collect::<HashMap<String, Value>>()
            .into(),
    }
}
