//! Whether an answer has the form that was asked for.
//!
//! The keywords of JSON Schema that describe forms of answers are checked. A schema with another one is refused as a
//! whole, so that nobody takes for checked what is not.

use serde_json::{Map, Value};

/// The longest a schema may be, in bytes.
const LONGEST: usize = 64 * 1024;
/// How many comparisons one answer is worth. References can make a small schema a very long one.
const MOST_CHECKS: u32 = 200_000;
/// How deep references may lead.
const DEEPEST: u32 = 64;

/// Keywords that say nothing about whether a value fits.
const NOTES: [&str; 12] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "format",
    "readOnly",
];
/// Keywords that are checked.
const CHECKED: [&str; 20] = [
    "$ref",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "anyOf",
    "oneOf",
    "allOf",
];

/// A schema, all of whose keywords are known here.
#[derive(Debug, Clone)]
pub(super) struct Schema(Value);

impl Schema {
    /// Reads a schema; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the schema has {} bytes; at most {LONGEST} are read", text.len()));
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|problem| format!("the schema is no JSON: {problem}"))?;
        known(&value, &value)?;
        Ok(Self(value))
    }

    /// The schema as JSON.
    pub(super) fn as_json(&self) -> &Value {
        &self.0
    }

    /// Checks an answer; the error names the first place that does not fit.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        Check { root: &self.0, left: MOST_CHECKS }.value(&self.0, value, "$", 0)
    }
}

/// Looks for keywords that are not checked, and for references that lead nowhere.
fn known(schema: &Value, root: &Value) -> Result<(), String> {
    let object = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(object) => object,
        other => return Err(format!("a schema is an object, not {other}")),
    };
    for (keyword, value) in object {
        match keyword.as_str() {
            "$ref" => {
                referred(root, value)?;
            }
            "properties" | "$defs" | "definitions" => {
                let all = value.as_object().ok_or_else(|| format!("`{keyword}` is an object"))?;
                all.values().try_for_each(|one| known(one, root))?;
            }
            "anyOf" | "oneOf" | "allOf" => {
                let all = value.as_array().ok_or_else(|| format!("`{keyword}` is a list"))?;
                all.iter().try_for_each(|one| known(one, root))?;
            }
            "items" | "additionalProperties" => known(value, root)?,
            other if NOTES.contains(&other) => {}
            other if CHECKED.contains(&other) => well_formed(other, value)?,
            other => {
                return Err(format!(
                    "the keyword `{other}` is not checked here: describe the answer without it"
                ));
            }
        }
    }
    Ok(())
}

/// Whether the value of a keyword is of the kind it takes.
fn well_formed(keyword: &str, value: &Value) -> Result<(), String> {
    let text_list = |value: &Value| {
        value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string))
    };
    let fine = match keyword {
        "type" => value.is_string() || text_list(value),
        "enum" => value.is_array(),
        "required" => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
        "uniqueItems" => value.is_boolean(),
        "minItems" | "maxItems" | "minLength" | "maxLength" => value.is_u64(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        _ => true,
    };
    if fine { Ok(()) } else { Err(format!("`{keyword}` cannot be {value}")) }
}

fn referred<'s>(root: &'s Value, reference: &Value) -> Result<&'s Value, String> {
    let path = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
    path.and_then(|path| root.pointer(path)).ok_or_else(|| {
        format!(
            "the reference {reference} leads nowhere: name a place in the schema, as `#/$defs/x`"
        )
    })
}

struct Check<'s> {
    root: &'s Value,
    left: u32,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: &str, depth: u32) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(1)
            .filter(|_| depth < DEEPEST * 4)
            .ok_or_else(|| format!("{at}: the schema is too intricate to be checked"))?;
        let schema = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Object(schema) => schema,
            _ => return Err(format!("{at} is not allowed")),
        };
        for (keyword, wanted) in schema {
            self.keyword(keyword, wanted, schema, value, at, depth)?;
        }
        Ok(())
    }

    fn keyword(
        &mut self,
        keyword: &str,
        wanted: &Value,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
        depth: u32,
    ) -> Result<(), String> {
        let says = |fits: bool| {
            if fits { Ok(()) } else { Err(format!("{at} does not fit `{keyword}`: {wanted}")) }
        };
        match keyword {
            "$ref" => {
                let referred = referred(self.root, wanted)?;
                self.value(referred, value, at, depth + 4)
            }
            "allOf" => each(wanted).try_for_each(|one| self.value(one, value, at, depth + 1)),
            "anyOf" => says(self.fitting(wanted, value, at, depth) > 0),
            "oneOf" => says(self.fitting(wanted, value, at, depth) == 1),
            "properties" => self.properties(wanted, value, at, depth),
            "additionalProperties" => {
                let Some(object) = value.as_object() else { return Ok(()) };
                let named = schema.get("properties").and_then(Value::as_object);
                object
                    .iter()
                    .filter(|(key, _)| !named.is_some_and(|named| named.contains_key(*key)))
                    .try_for_each(|(key, one)| {
                        self.value(wanted, one, &format!("{at}.{key}"), depth + 1)
                    })
            }
            "items" => each(value).enumerate().try_for_each(|(index, one)| {
                self.value(wanted, one, &format!("{at}[{index}]"), depth + 1)
            }),
            _ => says(plain(keyword, wanted, value)),
        }
    }

    fn fitting(&mut self, wanted: &Value, value: &Value, at: &str, depth: u32) -> usize {
        each(wanted).filter(|one| self.value(one, value, at, depth + 1).is_ok()).count()
    }

    fn properties(
        &mut self,
        wanted: &Value,
        value: &Value,
        at: &str,
        depth: u32,
    ) -> Result<(), String> {
        let (Some(wanted), Some(object)) = (wanted.as_object(), value.as_object()) else {
            return Ok(());
        };
        wanted
            .iter()
            .filter_map(|(key, schema)| object.get(key).map(|one| (key, schema, one)))
            .try_for_each(|(key, schema, one)| {
                self.value(schema, one, &format!("{at}.{key}"), depth + 1)
            })
    }
}

/// Keywords that need nothing but the value.
fn plain(keyword: &str, wanted: &Value, value: &Value) -> bool {
    let count = wanted.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let items = value.as_array().map(Vec::len);
    let letters = value.as_str().map(|text| text.chars().count());
    let number = |fits: fn(f64, f64) -> bool| match (value.as_f64(), wanted.as_f64()) {
        (Some(value), Some(wanted)) => fits(value, wanted),
        _ => true,
    };
    match keyword {
        "type" => match wanted {
            Value::String(name) => is(value, name),
            wanted => each(wanted).any(|name| name.as_str().is_some_and(|name| is(value, name))),
        },
        "enum" => each(wanted).any(|one| same(one, value)),
        "const" => same(wanted, value),
        "required" => value.as_object().is_none_or(|object| {
            each(wanted).all(|key| key.as_str().is_some_and(|key| object.contains_key(key)))
        }),
        "minItems" => items.is_none_or(|items| items >= count),
        "maxItems" => items.is_none_or(|items| items <= count),
        "minLength" => letters.is_none_or(|letters| letters >= count),
        "maxLength" => letters.is_none_or(|letters| letters <= count),
        "minimum" => number(|value, wanted| value >= wanted),
        "maximum" => number(|value, wanted| value <= wanted),
        "exclusiveMinimum" => number(|value, wanted| value > wanted),
        "exclusiveMaximum" => number(|value, wanted| value < wanted),
        "uniqueItems" => wanted != &Value::Bool(true) || unique(value),
        _ => true,
    }
}

fn unique(value: &Value) -> bool {
    let texts: Vec<_> = each(value).map(ToString::to_string).collect();
    let distinct: std::collections::BTreeSet<_> = texts.iter().collect();
    distinct.len() == texts.len()
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

/// 1 and 1.0 are the same number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64() && one.is_f64() != other.is_f64()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_checked_by_every_keyword() {
        for (schema, fits, fails) in [
            (json!({"type": "object"}), json!({}), json!([])),
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"type": "integer"}), json!(2.0), json!(2.5)),
            (json!({"enum": ["a", 1]}), json!(1), json!("b")),
            (json!({"const": 1}), json!(1.0), json!(2)),
            (json!({"required": ["a"]}), json!({"a": 1}), json!({"b": 1})),
            (json!({"properties": {"a": {"type": "string"}}}), json!({"b": 1}), json!({"a": 1})),
            (
                json!({"properties": {"a": true}, "additionalProperties": false}),
                json!({"a": 1}),
                json!({"b": 1}),
            ),
            (json!({"items": {"minimum": 2}}), json!([2, 3]), json!([3, 1])),
            (json!({"minItems": 1, "maxItems": 2}), json!([1]), json!([1, 2, 3])),
            (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 1])),
            (json!({"minLength": 2}), json!("öö"), json!("ö")),
            (json!({"maxLength": 1}), json!("ö"), json!("öö")),
            (json!({"maximum": 2}), json!(2), json!(3)),
            (json!({"exclusiveMinimum": 2}), json!(3), json!(2)),
            (json!({"exclusiveMaximum": 2}), json!(1), json!(2)),
            (json!({"anyOf": [{"type": "null"}, {"const": 1}]}), json!(1), json!(2)),
            (json!({"oneOf": [{"type": "number"}, {"const": 1}]}), json!(2), json!(1)),
            (json!({"allOf": [{"type": "number"}, {"minimum": 1}]}), json!(1), json!(0)),
            (
                json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties":
                    {"next": {"$ref": "#/$defs/n"}}}}}),
                json!({"next": {"next": {}}}),
                json!({"next": {"next": 1}}),
            ),
        ] {
            let parsed = Schema::parse(&schema.to_string()).expect("a schema");
            assert_eq!(parsed.check(&fits), Ok(()), "{schema}");
            assert!(parsed.check(&fails).is_err(), "{schema} takes {fails}");
        }
    }

    #[test]
    fn a_schema_that_would_not_be_checked_whole_is_refused() {
        for (schema, says) in [
            ("{", "no JSON"),
            ("[]", "a schema is an object"),
            (r#"{"properties": {"a": {"pattern": "^a"}}}"#, "`pattern` is not checked here"),
            (r##"{"$ref": "#/$defs/a"}"##, "leads nowhere"),
            (r#"{"$ref": "http://example.com/a"}"#, "leads nowhere"),
            (r#"{"type": 1}"#, "`type` cannot be 1"),
        ] {
            let refused = Schema::parse(schema).expect_err("refused");
            assert!(refused.contains(says), "{refused}");
        }
    }

    #[test]
    fn a_schema_that_never_ends_or_grows_without_bound_is_given_up() {
        let doubling = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]});
        for schema in [json!({"$ref": "#"}), doubling] {
            let parsed = Schema::parse(&schema.to_string()).expect("a schema");
            assert!(parsed.check(&json!(1)).is_err(), "{schema}");
        }
    }
}
