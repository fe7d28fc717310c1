//! What is written, against an evaluator.

use std::cmp::Ordering;

use cel::{Context, Program};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::condition;

#[test]
fn literals() {
    for (value, expected) in [
        (json!(null), "null"),
        (json!(true), "true"),
        (json!(-7), "-7"),
        (json!(0.1), "1.0e-1"),
        (json!(1e300), "1.0e300"),
        (json!("a"), r#""a""#),
        (json!("'\"\\\n\t\r\u{7}\u{85}ü"), r#""'\"\\\n\t\r\u0007\u0085ü""#),
        (json!(9_007_199_254_740_992_u64), "9007199254740992"),
    ] {
        assert_eq!(literal(&value).as_deref(), Ok(expected));
    }
    for bad in [json!([1]), json!({}), json!(u64::MAX), json!(i64::MIN)] {
        assert!(literal(&bad).is_err(), "{bad}");
    }
}

#[test]
fn selectors() {
    for (path, expected) in [
        ("data.order_id", ".data.order_id"),
        ("data.order.in", r#".data.order["in"]"#),
        ("data.order-id.x", r#".data["order-id"].x"#),
        ("data.1a", r#".data["1a"]"#),
        ("name", ".name"),
        ("data", ".data"),
    ] {
        assert_eq!(selector(path).as_deref(), Ok(expected));
    }
    for bad in ["", "order_id", "data.", ".data", "data..x", "async.data.x"] {
        assert!(selector(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_escape_brings_an_escaped_quote_along() {
    let text = |value: Value| {
        let mut condition = Match::default();
        condition.equal(".data.x", &value).expect("it can be written");
        condition.text().expect("it has a clause")
    };
    assert_eq!(text(json!("a")), r#"async.data.x == "a""#);
    assert_eq!(text(json!("a\\b")), r#"async.data.x == "a\\b" && async.name != "\"""#);
    assert_eq!(text(json!("\"\\")), r#"async.data.x == "\"\\""#);
    assert_eq!(Match::default().text(), None);
}

#[test]
fn what_somebody_wrote_stays_one_clause() {
    let beside = |expression: &str| {
        let mut condition = Match::default();
        condition.raw(expression);
        let alone = condition.text().expect("it has a clause");
        condition.same(".id");
        (alone, condition.text().expect("it has clauses"))
    };
    let (alone, joined) = beside("async.ts > 1 || event.ts > 1");
    assert_eq!(alone, "async.ts > 1 || event.ts > 1");
    assert_eq!(joined, "(async.ts > 1 || event.ts > 1) && event.id == async.id");
    // A comment ends with its line, and takes nothing of what follows along.
    let (alone, joined) = beside("async.ts > 1 // late");
    assert_eq!(alone, "async.ts > 1 // late");
    assert_eq!(joined, "(async.ts > 1 // late\n) && event.id == async.id");
    let (event, late) = (json!({"id": 1}), json!({"id": 1, "ts": 2, "name": "a"}));
    assert!(holds(&joined, &event, &late) && !holds(&joined, &json!({"id": 2}), &late));
    let (alone, _) = beside(r"async.data != 'a\b' || false // x");
    assert!(alone.ends_with("// x\n) && async.name != \"\\\"\""), "{alone}");
}

fn holds(condition: &str, event: &Value, candidate: &Value) -> bool {
    let program = Program::compile(condition).expect("what we write compiles");
    let mut context = Context::default();
    context.add_variable_from_value("event", condition::value(event));
    context.add_variable_from_value("async", condition::value(candidate));
    program.execute(&context) == Ok(cel::Value::Bool(true))
}

/// What can be compared.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::from),
        // Most often escapes, and often equal to one another.
        r#"["'\\\n\t{}$a-c]{0,4}"#.prop_map(Value::from),
        (-(1_i64 << 53)..=(1_i64 << 53)).prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        (-4_i32..4).prop_map(|n| Value::from(f64::from(n) / 2.0)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

/// Equal as the server sees it: its numbers are all floats.
fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.partial_cmp(&right).is_some_and(Ordering::is_eq),
        _ => left == right,
    }
}

fn nested(path: &[String], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |inner, member| json!({ member.as_str(): inner }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_condition_holds_exactly_for_equal_values(
        path in prop::collection::vec(r"[a-z_][a-z0-9_]{0,3}|in|as|[^.]{1,3}", 1..4),
        wanted in scalar(),
        other in scalar(),
    ) {
        let selector = selector(&format!("data.{}", path.join("."))).expect("it is a path");
        let mut condition = Match::default();
        condition.equal(&selector, &wanted).expect("it can be written");
        let text = condition.text().expect("it has a clause");
        let event = |value: &Value| json!({"name": "a/b.c", "data": nested(&path, value)});
        let none = json!({"name": "a/b.c", "data": {}});
        prop_assert!(holds(&text, &none, &event(&wanted)), "{text}");
        prop_assert_eq!(holds(&text, &none, &event(&other)), equal(&wanted, &other), "{}", text);

        let mut condition = Match::default();
        condition.same(&selector);
        let text = condition.text().expect("it has a clause");
        let same = holds(&text, &event(&wanted), &event(&other));
        prop_assert_eq!(same, equal(&wanted, &other), "{}", text);
    }
}
