//! What a condition may not use where the real server indexes it: it must compare, and nothing more.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

const ALLOWED: [&str; 10] =
    ["_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "_[_]"];

/// The first thing found that is neither a comparison, boolean logic, indexing nor selection; none when all is well.
pub(super) fn forbidden(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => None,
        Expr::Call(call) if !ALLOWED.contains(&call.func_name.as_str()) => {
            Some(call.func_name.clone())
        }
        Expr::Call(call) => {
            call.target.as_deref().into_iter().chain(&call.args).find_map(forbidden)
        }
        Expr::Comprehension(_) => Some("a macro".to_owned()),
        Expr::List(list) => list.elements.iter().find_map(forbidden),
        Expr::Map(map) => map.entries.iter().find_map(|entry| in_entry(&entry.expr)),
        Expr::Struct(made) => made.entries.iter().find_map(|entry| in_entry(&entry.expr)),
        Expr::Select(select) if select.test => Some("has()".to_owned()),
        Expr::Select(select) => forbidden(&select.operand),
    }
}

fn in_entry(entry: &EntryExpr) -> Option<String> {
    match entry {
        EntryExpr::StructField(field) => forbidden(&field.value),
        EntryExpr::MapEntry(entry) => forbidden(&entry.key).or_else(|| forbidden(&entry.value)),
    }
}
