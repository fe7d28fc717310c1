//! Server-side apply: who owns which fields of an object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The fields that each manager has applied, as JSON pointers. Lists are one field.
pub(super) type Owners = BTreeMap<String, BTreeSet<String>>;

/// A field that two managers want to have different values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) manager: String,
    pub(super) field: String,
}

/// What becomes of `before` when `manager` applies `wanted`. Fields that it had applied and does not any more are gone,
/// unless another wants them.
pub(super) fn apply(
    before: &Value,
    wanted: &Value,
    manager: &str,
    force: bool,
    owners: &mut Owners,
) -> Result<Value, Vec<Conflict>> {
    let mut fields = Vec::new();
    leaves(wanted, &mut String::new(), &mut fields);
    let mut conflicts = Vec::new();
    for (field, value) in &fields {
        for (other, owned) in owners.iter().filter(|(other, _)| *other != manager) {
            if owned.contains(field) && before.pointer(field) != Some(value) {
                conflicts.push(Conflict { manager: other.clone(), field: field.clone() });
            }
        }
    }
    if !conflicts.is_empty() && !force {
        return Err(conflicts);
    }
    for Conflict { manager, field } in conflicts {
        owners.entry(manager).or_default().remove(&field);
    }
    let names: BTreeSet<_> = fields.iter().map(|(field, _)| field.clone()).collect();
    let mut after = before.clone();
    let had = owners.insert(manager.to_owned(), names.clone()).unwrap_or_default();
    for field in had.difference(&names) {
        if !owners.values().any(|owned| owned.contains(field)) {
            remove(&mut after, field);
        }
    }
    for (field, value) in fields {
        *place(&mut after, &field) = value;
    }
    Ok(after)
}

/// Fields that say which object it is belong to nobody.
fn is_identity(field: &str) -> bool {
    matches!(field, "/apiVersion" | "/kind" | "/metadata/name" | "/metadata/namespace")
}

fn leaves(value: &Value, at: &mut String, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let length = at.len();
                at.push('/');
                at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                leaves(member, at, found);
                at.truncate(length);
            }
        }
        leaf if !at.is_empty() && !is_identity(at) => found.push((at.clone(), leaf.clone())),
        _ => {}
    }
}

fn parts(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
}

/// The place of a field, made where it is not there yet.
fn place<'v>(value: &'v mut Value, pointer: &str) -> &'v mut Value {
    parts(pointer).fold(value, |value, part| {
        if !value.is_object() {
            *value = Value::Object(serde_json::Map::new());
        }
        &mut value[part]
    })
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(&last);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_belongs_to_whoever_applied_it_last_or_by_force() {
        let mut owners = Owners::new();
        let nothing = json!({});
        let first = json!({"metadata": {"name": "n"}, "data": {"a": "1", "b/c": "2"}});
        let one = apply(&nothing, &first, "one", false, &mut owners).expect("applied");
        assert_eq!(one["data"], first["data"]);
        // The same value is shared, another is a conflict.
        let same = json!({"data": {"a": "1"}});
        let two = apply(&one, &same, "two", false, &mut owners).expect("applied");
        assert_eq!(two, one.clone());
        let other = json!({"data": {"a": "3"}});
        let conflicts = apply(&two, &other, "two", false, &mut owners).expect_err("a conflict");
        let field = "/data/a".to_owned();
        assert_eq!(conflicts, [Conflict { manager: "one".to_owned(), field }]);
        let forced = apply(&two, &other, "two", true, &mut owners).expect("applied");
        assert_eq!(forced["data"], json!({"a": "3", "b/c": "2"}));
        // What one applies no more is gone, but for what two took.
        let less = apply(&forced, &json!({}), "one", false, &mut owners).expect("applied");
        assert_eq!(less["data"], json!({"a": "3"}));
    }
}
