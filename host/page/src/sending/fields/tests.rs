use serde_json::json;

use super::*;

fn fields(data: &Value) -> Vec<Field> {
    let schema = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "As <printed>."},
            "lines": {"type": "array"},
            "paid": {"type": "boolean"},
            "total": {"type": "number"},
        },
        "required": ["id", "total", "lines"],
    });
    let order = ["total", "id"].map(str::to_owned);
    of_schema(&schema, &order, data).expect("fields")
}

/// The form with these fields, as a browser would send it.
fn sent(fields: &[Field]) -> Option<Result<Map<String, Value>, Vec<Field>>> {
    let inputs: Vec<_> = fields.iter().map(|field| (field.input(), field.value.clone())).collect();
    read(inputs.iter().map(|(name, value)| (&**name, &**value)))
}

#[test]
fn what_a_form_begins_with_is_what_it_sends() {
    for data in [
        json!({"id": "o-7", "total": 12.5, "lines": [1, {"n": 2}], "paid": false}),
        json!({"id": "a \"b\"", "total": 3, "lines": [], "note": "kept", "more": {"a": 1}}),
        // What does not fit its member is not lost either.
        json!({"id": 7, "total": "none", "lines": "x", "paid": null}),
    ] {
        let sent = sent(&fields(&data)).expect("fields").expect("nothing is wrong");
        assert_eq!(Value::Object(sent), data);
    }
    let names: Vec<_> = fields(&json!({})).into_iter().map(|field| field.name).collect();
    assert_eq!(names, ["total", "id", "lines", "paid", ""], "those of the type come in its order");
}

#[test]
fn what_is_wrong_is_said_of_its_member_and_nothing_that_was_written_is_lost() {
    let mut fields = fields(&json!({"id": "", "total": 1, "lines": []}));
    for (name, value, says) in [
        ("total", "twelve", "is not a number"),
        ("lines", "[1", "It is no JSON"),
        ("", "[1]", "It is not an object"),
    ] {
        let field = fields.iter_mut().find(|field| field.name == name).expect("a field");
        (field.value, field.problem) = (value.to_owned(), Some(says.to_owned()));
    }
    let wrong = sent(&fields).expect("fields").expect_err("three are wrong");
    for (field, expected) in wrong.iter().zip(&fields) {
        assert_eq!((&field.name, &field.value), (&expected.name, &expected.value));
        match (&field.problem, &expected.problem) {
            (None, None) => {}
            (Some(said), Some(says)) => assert!(said.contains(says), "{said}"),
            other => panic!("{}: {other:?}", field.name),
        }
    }
    // Empty is a text, and no number.
    let mut fields = self::fields(&json!({"id": "", "lines": []}));
    let wrong = sent(&fields).expect("fields").expect_err("the total is missing");
    assert_eq!(wrong[0].problem.as_deref(), Some("It has to be there."));
    fields.retain(|field| field.name != "total");
    let sent = sent(&fields).expect("fields").expect("the rest is fine");
    assert_eq!(Value::Object(sent), json!({"id": "", "lines": []}));
}

#[test]
fn each_member_has_the_input_that_suits_it() {
    let mut html = Html::new();
    let mut all = fields(&json!({"paid": true, "id": "<b>"}));
    all[0].problem = Some("It is <wrong>.".to_owned());
    for field in &all {
        field.show(&mut html);
    }
    let html = html.to_string();
    for says in [
        "<input id=\"of.number.required.total\"",
        "inputmode=\"decimal\"",
        "aria-describedby=\"of.number.required.total.wrong\" aria-invalid=\"true\"",
        "It is &lt;wrong&gt;.",
        "value=\"&lt;b&gt;\"",
        "As &lt;printed&gt;.",
        "<select id=\"of.boolean.optional.paid\"",
        "<option value=\"true\" selected=\"\">true",
        "left out</option>",
        "<textarea id=\"of.json.required.lines\"",
        "Other members",
        "total<span class=\"soft\"> (required)",
        "lines<span class=\"soft\"> (JSON, required)",
    ] {
        assert!(html.contains(says), "{says}\n{html}");
    }
}

#[test]
fn a_form_without_fields_is_none() {
    assert_eq!(
        read([("name", "a/b"), ("of.what.required.x", "1"), ("of.text", "")].into_iter()),
        None
    );
    assert_eq!(of_schema(&json!({"type": "object"}), &[], &json!({})), None);
    // A type that takes no other members has no field for them.
    let closed = json!({"properties": {"a": {"type": "string"}}, "additionalProperties": false});
    assert_eq!(of_schema(&closed, &[], &json!({})).expect("fields").len(), 1);
    assert_eq!(of_schema(&closed, &[], &json!({"b": 1})).expect("fields").len(), 2);
}
