//! Conditions of triggers: CEL over `event`.

use std::collections::HashMap;

use cel::{Context, Program, Value};
use serde_json::Value as Json;

/// The longest expression, in bytes. It bounds how deep parsing and evaluating can recurse.
const LONGEST: usize = 4_000;
/// Stack for as much as [`LONGEST`] allows. It is address space; only what is used becomes memory.
const STACK: usize = 256 * 1024 * 1024;

/// A compiled condition.
pub(crate) struct Condition {
    text: String,
    program: Program,
}

impl Condition {
    /// Compiles an expression; the error says what is wrong with it.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("an expression of {} bytes is longer than {LONGEST}", text.len()));
        }
        let fault = |problem: String| format!("expression {text:?} does not compile: {problem}");
        let compiled = with_room(|| Program::compile(text)).map_err(fault)?;
        let program = compiled.map_err(|error| fault(error.to_string()))?;
        Ok(Self { text: text.to_owned(), program })
    }

    /// Whether it holds for an event. What cannot be evaluated does not hold; the error says why.
    pub(crate) fn holds(&self, event: &Json) -> Result<bool, String> {
        let fault = |problem| format!("expression {:?} {problem}", self.text);
        let evaluated = with_room(|| {
            let mut context = Context::default();
            context.add_variable_from_value("event", value(event));
            self.program.execute(&context)
        });
        match evaluated.map_err(fault)? {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(fault(format!("gives {other:?} instead of true or false"))),
            Err(error) => Err(fault(format!("cannot be evaluated: {error}"))),
        }
    }
}

/// Runs `work` with a deep stack: the library recurses, and what overflows a stack ends the whole process. Measured
/// without optimization, a sum of sixty numbers overflows the two megabytes that threads usually have.
fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.spawn_scoped(scope, work).map_err(|error| error.to_string())?;
        thread.join().map_err(|_| "broke the expression library".to_owned())
    })
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

/// JSON as CEL sees it. Whole numbers are integers, so that they compare with integer literals.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Null,
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().map(value).collect::<Vec<_>>().into(),
        Json::Object(members) => members
            .iter()
            .map(|(key, member)| (key.clone(), value(member)))
            .collect::<HashMap<String, Value>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_evaluated_over_the_event() {
        let event = json!({"name": "a/b", "data": {
            "total": 11, "price": 1.5, "function_id": "app-f", "vip": true, "tags": ["x"], "none": null,
        }});
        for (text, expected) in [
            ("event.data.total > 10", Some(true)),
            ("event.data.total > 11", Some(false)),
            ("event.data.price < 2.0", Some(true)),
            ("event.data.total > 10.5", Some(true)),
            ("event.data.function_id == 'app-f'", Some(true)),
            ("event.data.vip && event.name == 'a/b'", Some(true)),
            ("'x' in event.data.tags", Some(true)),
            ("has(event.data.none)", Some(true)),
            ("event.data.none == null", Some(true)),
            ("event.data.missing == 1", None),
            ("event.data.total", None),
            ("async.data.total == 1", None),
        ] {
            let holds = Condition::compile(text).expect(text).holds(&event);
            assert_eq!(holds.as_ref().ok().copied(), expected, "{text}: {holds:?}");
        }
    }

    #[test]
    fn the_deepest_expressions_harm_nobody() {
        for text in [
            format!("{}true{}", "(".repeat(1_990), ")".repeat(1_990)),
            format!("{}true{}", "(".repeat(40), ")".repeat(40)),
            format!("{}true", "!".repeat(3_990)),
            format!("true{}", "&&true".repeat(660)),
            format!("0{}>0", "+1".repeat(1_990)),
            format!("{}{}==null", "[".repeat(1_990), "]".repeat(1_990)),
            format!("event{}", ".a".repeat(1_990)),
            format!("true{}", "?true:true".repeat(399)),
        ] {
            if let Ok(condition) = Condition::compile(&text) {
                let _ = condition.holds(&json!({}));
            }
        }
        assert!(Condition::compile(&"1".repeat(4_001)).is_err());
    }

    #[test]
    fn what_is_not_cel_is_refused() {
        for bad in ["", "event.data.", "1 +", "((", "'"] {
            let error = Condition::compile(bad).expect_err(bad);
            assert!(error.contains("does not compile"), "{error}");
        }
    }
}
