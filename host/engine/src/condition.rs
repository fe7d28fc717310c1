//! Conditions and keys: CEL over `event`, and over `async` where two events are compared.

mod names;
mod restricted;

use std::collections::HashMap;

use cel::{Context, ExecutionError, Program, Value};
use serde_json::Value as Json;

/// The longest expression, in bytes. It bounds how deep parsing and evaluating can recurse.
const LONGEST: usize = 4_000;
/// Stack for as much as [`LONGEST`] allows. It is address space; only what is used becomes memory.
const STACK: usize = 256 * 1024 * 1024;

/// A compiled expression.
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
        if let Some(name) = with_room(|| names::unknown(program.expression())).map_err(fault)? {
            return Err(fault(format!("it knows no {name}; there are event and async")));
        }
        Ok(Self { text: text.to_owned(), program })
    }

    /// Compiles an expression that compares, and nothing more: no macros, no functions.
    pub(crate) fn restricted(text: &str) -> Result<Self, String> {
        let condition = Self::compile(text)?;
        let found = with_room(|| restricted::forbidden(condition.program.expression()))?;
        match found {
            None => Ok(condition),
            Some(what) => Err(format!(
                "expression {text:?} uses {what}; only comparisons, &&, ||, ! and members are allowed here"
            )),
        }
    }

    /// Whether it holds for an event. What cannot be evaluated does not hold; the error says why.
    pub(crate) fn holds(&self, event: &Json) -> Result<bool, String> {
        self.truth(with_room(|| self.evaluate(event, None)))
    }

    /// The text an event is grouped by.
    pub(crate) fn key(&self, event: &Json) -> Result<String, String> {
        let fault = |problem| format!("expression {:?} {problem}", self.text);
        match with_room(|| self.evaluate(event, None)).map_err(fault)? {
            Ok(Value::String(text)) => Ok(text.to_string()),
            Ok(Value::Int(number)) => Ok(number.to_string()),
            Ok(Value::Float(number)) => Ok(number.to_string()),
            Ok(Value::Bool(truth)) => Ok(truth.to_string()),
            Ok(other) => Ok(format!("{other:?}")),
            Err(error) => Err(fault(format!("cannot be evaluated: {error}"))),
        }
    }

    /// The expression.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The whole number it gives for an event.
    pub(crate) fn integer(&self, event: &Json) -> Result<i64, String> {
        let fault = |problem| format!("expression {:?} {problem}", self.text);
        match with_room(|| self.evaluate(event, None)).map_err(fault)? {
            Ok(Value::Int(number)) => Ok(number),
            Ok(other) => Err(fault(format!("gives {other:?} instead of a whole number"))),
            Err(error) => Err(fault(format!("cannot be evaluated: {error}"))),
        }
    }

    fn truth(
        &self,
        evaluated: Result<Result<Value, ExecutionError>, String>,
    ) -> Result<bool, String> {
        let fault = |problem| format!("expression {:?} {problem}", self.text);
        match evaluated.map_err(fault)? {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(fault(format!("gives {other:?} instead of true or false"))),
            Err(error) => Err(fault(format!("cannot be evaluated: {error}"))),
        }
    }

    fn evaluate(&self, event: &Json, incoming: Option<&Value>) -> Result<Value, ExecutionError> {
        let mut context = Context::default();
        context.add_variable_from_value("event", value(event));
        if let Some(incoming) = incoming {
            context.add_variable_from_value("async", incoming.clone());
        }
        self.program.execute(&context)
    }
}

/// Which of many that wait take an event that has come: those without a condition, and those whose condition holds
/// with `event` as what started them and `async` as what has come. What cannot be evaluated does not hold.
pub(crate) fn takers<K: Send>(
    waiting: Vec<(K, Option<&Condition>, Json)>,
    incoming: &Json,
) -> Vec<K> {
    let decide = || {
        let incoming = value(incoming);
        let takes = |condition: &Condition, event: &Json| {
            let truth = condition.truth(Ok(condition.evaluate(event, Some(&incoming))));
            truth.unwrap_or_else(|fault| {
                tracing::debug!("{fault}; what waits with it goes on waiting");
                false
            })
        };
        let woken = waiting.into_iter().filter_map(|(key, condition, event)| {
            condition.is_none_or(|condition| takes(condition, &event)).then_some(key)
        });
        woken.collect()
    };
    with_room(decide).unwrap_or_else(|fault| {
        tracing::warn!("a condition that waits {fault}; nothing is woken by this event");
        Vec::new()
    })
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
    fn two_events_are_compared() {
        let condition = |text| Condition::compile(text).expect(text);
        let (same, broken) =
            (condition("event.data.id == async.data.id"), condition("async.data.none > 1"));
        let event = |id: u32| json!({"name": "a/b", "data": {"id": id}});
        let waiting = vec![
            ("first", Some(&same), event(1)),
            ("second", Some(&same), event(2)),
            ("any", None, event(3)),
            ("broken", Some(&broken), event(1)),
        ];
        assert_eq!(takers(waiting, &event(2)), ["second", "any"]);
        assert!(takers::<()>(Vec::new(), &event(2)).is_empty());
    }

    #[test]
    fn keys_are_texts() {
        let event = json!({"data": {"name": "anna", "n": 7}});
        for (text, expected) in [
            ("event.data.name", "anna"),
            ("event.data.name + '/x'", "anna/x"),
            ("event.data.n", "7"),
            ("event.data.n > 3", "true"),
        ] {
            let key = Condition::compile(text).expect(text).key(&event);
            assert_eq!(key.as_deref(), Ok(expected));
        }
        assert!(Condition::compile("event.data.none").expect("CEL").key(&event).is_err());
    }

    #[test]
    fn restricted_conditions_compare_and_nothing_more() {
        for text in [
            "event.data.id == async.data.id && !(async.data['n'] >= 3 || true)",
            "async.data.list[0].x != null",
        ] {
            assert!(Condition::restricted(text).is_ok(), "{text}");
        }
        for (text, says) in [
            ("has(event.data.id)", "has()"),
            ("event.data.list.exists(x, x == 1)", "a macro"),
            ("event.data.name.startsWith('a')", "startsWith"),
            ("event.data.n + 1 == 2", "_+_"),
            ("size(event.data.list) == 2 || true", "size"),
            ("(1 == 1 ? event.data.a : has(event.b)) == 1", "_?_:_"),
        ] {
            let error = Condition::restricted(text).expect_err(text);
            assert!(error.contains(says), "{error}");
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
            let _ = Condition::restricted(&text);
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
