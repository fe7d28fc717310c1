//! Conditions: what the SDK writes of values compiles, and holds exactly for equal values; what a manifest says is taken or
//! refused, whatever it is.
//!
//! An input has four lines: a path within an event, the value that is asked for, the value that is there, both as JSON, and
//! an expression as somebody might write it.

use std::collections::HashMap;
use std::thread;

use cel::{Context, Program};
use protocol::expression::Expression;
use serde_json::{Value, json};
use system_bus_sdk::cel::{Match, literal, selector};

/// Compiling recurses, deeper than the stack of a test's thread has room for.
const STACK: usize = 256 << 20;

/// The largest whole number that the server's JSON keeps exactly.
const EXACT: i128 = 1 << 53;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (path, wanted, there, written) = (line(), line(), line(), line());
    let written = Written::read(written);
    let (Ok(wanted), Ok(there)) = (serde_json::from_str(wanted), serde_json::from_str(there))
    else {
        return;
    };
    if let Ok(selector) = selector(path) {
        compared(path, &selector, &wanted, &there, &written);
    }
}

/// An expression as somebody wrote it.
struct Written<'t> {
    text: &'t str,
    /// Whether it compiles, and names what it may.
    taken: bool,
    /// Whether it also calls nothing but comparisons and logic, so that it can be evaluated without fear.
    plain: bool,
}

impl<'t> Written<'t> {
    fn read(text: &'t str) -> Self {
        let over = [Expression::over_event(text), Expression::over_both_events(text)];
        for read in &over {
            match read {
                Ok(expression) => assert_eq!(expression.as_str(), text),
                Err(error) => assert!(error.to_string().len() > "expression".len()),
            }
        }
        let [event, both] = over.map(|read| read.is_ok());
        Self { text, taken: event || both, plain: both }
    }
}

fn compared(path: &str, selector: &str, wanted: &Value, there: &Value, written: &Written<'_>) {
    let mut condition = Match::default();
    if let Err(error) = condition.equal(selector, wanted) {
        assert!(literal(wanted).is_err() && !simple(wanted), "{wanted}: {error}");
        return;
    }
    assert!(simple(wanted), "{wanted} cannot be compared by the server");
    let none = json!({ "name": "a/b.c", "data": {} });
    let (asked, present) = (event(path, wanted), event(path, there));
    let mut same = Match::default();
    same.same(selector);
    let mut joined = condition.clone();
    if written.taken {
        joined.raw(written.text);
    }
    let [condition, same, joined] =
        [condition, same, joined].map(|built| built.text().expect("it has a clause"));

    assert_eq!(evaluated(&condition, &none, &asked), Some(true), "{condition} of {asked}");
    let equal = equal(wanted, there);
    if simple(there) {
        let found = evaluated(&condition, &none, &present).expect("it compiles");
        assert_eq!(found, equal, "{condition} of {present}");
        let found = evaluated(&same, &asked, &present).expect("it compiles");
        assert_eq!(found, equal, "{same} of {asked} and {present}");
    }
    assert!(compiles(&joined), "{joined}");
    if written.taken && written.plain && simple(there) {
        let also = evaluated(written.text, &none, &present).expect("it compiled before");
        let both = evaluated(&joined, &none, &present).expect("it compiles");
        assert_eq!(both, also && equal, "{joined} of {present}");
    }
}

/// What the server compares.
fn simple(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
            whole.is_none_or(|whole| whole.abs() <= EXACT)
        }
        Value::Array(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Equal as the server sees it: its numbers are all floats.
fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => (left - right).abs() <= 0.0,
        _ => left == right,
    }
}

/// An event with a value at a path.
fn event(path: &str, value: &Value) -> Value {
    let (first, rest) =
        path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let inner = rest.into_iter().flat_map(|rest| rest.split('.').rev());
    let value = inner.fold(value.clone(), |inner, member| json!({ member: inner }));
    let mut event = json!({ "name": "a/b.c", "data": {} });
    event[first] = value;
    event
}

fn compiles(condition: &str) -> bool {
    with_room(|| Program::compile(condition).is_ok())
}

/// Whether a condition holds; none where it does not compile. What cannot be evaluated does not hold, as on the server.
fn evaluated(condition: &str, event: &Value, candidate: &Value) -> Option<bool> {
    with_room(|| {
        let program = Program::compile(condition).ok()?;
        let mut context = Context::default();
        context.add_variable_from_value("event", seen(event));
        context.add_variable_from_value("async", seen(candidate));
        Some(matches!(program.execute(&context), Ok(cel::Value::Bool(true))))
    })
}

fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.expect("there is room for a thread").join().expect("what we write harms no library")
    })
}

/// JSON as the server's CEL sees it.
fn seen(json: &Value) -> cel::Value {
    match json {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => cel::Value::Float(number.as_f64().unwrap_or_default()),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(seen).collect::<Vec<_>>().into(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| (name.clone(), seen(member)));
            members.collect::<HashMap<String, cel::Value>>().into()
        }
    }
}
