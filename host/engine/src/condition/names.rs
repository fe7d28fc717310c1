//! Which names an expression may begin with. The real server checks it when an app is synced, so that a misspelt name
//! does not wait for the first event to be noticed.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// The event that started the run, the one that has come, and what an account sets; and the names of types.
const KNOWN: [&str; 13] = [
    "event",
    "async",
    "vars",
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// The first name found that stands for nothing; none when all is well.
pub(super) fn unknown(expression: &IdedExpr) -> Option<String> {
    within(expression, &mut Vec::new())
}

/// `bound` are the names that the macros around it have made.
fn within<'e>(expression: &'e IdedExpr, bound: &mut Vec<&'e str>) -> Option<String> {
    match &expression.expr {
        Expr::Unspecified | Expr::Literal(_) => None,
        Expr::Ident(name) => {
            let known = KNOWN.contains(&name.as_str()) || bound.contains(&name.as_str());
            (!known).then(|| name.clone())
        }
        Expr::Call(call) => {
            let mut parts = call.target.as_deref().into_iter().chain(&call.args);
            parts.find_map(|part| within(part, bound))
        }
        Expr::Select(select) => within(&select.operand, bound),
        Expr::List(list) => list.elements.iter().find_map(|element| within(element, bound)),
        Expr::Map(map) => map.entries.iter().find_map(|entry| in_entry(&entry.expr, bound)),
        Expr::Struct(made) => made.entries.iter().find_map(|entry| in_entry(&entry.expr, bound)),
        Expr::Comprehension(made) => {
            let outside = [&made.iter_range, &made.accu_init];
            if let Some(name) = outside.into_iter().find_map(|part| within(part, bound)) {
                return Some(name);
            }
            let outer = bound.len();
            bound.extend([made.iter_var.as_str(), made.accu_var.as_str()]);
            bound.extend(made.iter_var2.as_deref());
            let inside = [&made.loop_cond, &made.loop_step, &made.result];
            let found = inside.into_iter().find_map(|part| within(part, bound));
            bound.truncate(outer);
            found
        }
    }
}

fn in_entry<'e>(entry: &'e EntryExpr, bound: &mut Vec<&'e str>) -> Option<String> {
    match entry {
        EntryExpr::StructField(field) => within(&field.value, bound),
        EntryExpr::MapEntry(entry) => {
            within(&entry.key, bound).or_else(|| within(&entry.value, bound))
        }
    }
}

#[cfg(test)]
mod tests {
    use cel::Program;

    use super::*;

    #[test]
    fn names_that_stand_for_nothing_are_found_wherever_they_are() {
        for (text, expected) in [
            ("event.data.id == async.data.id && vars.a == 1", None),
            ("event.data.list.exists(x, x.n > 1 && event.data.ok)", None),
            ("event.data.list.all(x, event.data.more.exists(y, x == y))", None),
            ("type(event.data.n) == int", None),
            ("{'a': event.data.a}['a'] == [event.data.b][0]", None),
            ("evnt.data.id == 1", Some("evnt")),
            ("event.data.id == sync.data.id", Some("sync")),
            ("event.data.list.exists(x, y > 1)", Some("y")),
            ("event.data.list.exists(x, x > 1) && x > 1", Some("x")),
            ("[{'a': data}] == []", Some("data")),
            ("size(order) > 1", Some("order")),
        ] {
            let program = Program::compile(text).expect(text);
            assert_eq!(unknown(program.expression()).as_deref(), expected, "{text}");
        }
    }
}
