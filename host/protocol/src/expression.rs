//! CEL expressions of a manifest: compiled once to prove that they are fine, and handed to the server as text.

use cel::Program;
use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// The longest expression, in bytes. It bounds how deep parsing can recurse.
pub const LONGEST: usize = 4_000;
/// Stack for as much as [`LONGEST`] allows. It is address space; only what is used becomes memory.
const STACK: usize = 256 * 1024 * 1024;

/// Names of types that CEL spells like variables.
const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// Comparisons, logic and access to members: all that a restricted expression may call.
const RESTRICTED_CALLS: [&str; 11] =
    ["_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_[_]", "-_"];

/// A CEL expression that compiles and names only what it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression(String);

/// Why a text is not an expression that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expression {text:?} {problem}")]
pub struct ExpressionError {
    text: String,
    problem: String,
}

impl Expression {
    /// An expression over `event`: conditions of triggers, keys, priorities.
    ///
    /// ```
    /// use protocol::expression::Expression;
    /// assert!(Expression::over_event("event.data.total > 10").is_ok());
    /// assert!(Expression::over_event("total > 10").is_err());
    /// ```
    pub fn over_event(text: &str) -> Result<Self, ExpressionError> {
        Self::check(text, |expr| names(expr, &["event"], &mut Vec::new()))
    }

    /// A match of two events: `event` is what started the run, `async` what has come. The server evaluates these for
    /// every event, and takes comparisons, `&&`, `||`, `!` and access to members only.
    ///
    /// ```
    /// use protocol::expression::Expression;
    /// assert!(Expression::over_both_events("event.data.id == async.data.id").is_ok());
    /// assert!(Expression::over_both_events("has(async.data.id)").is_err());
    /// ```
    pub fn over_both_events(text: &str) -> Result<Self, ExpressionError> {
        Self::check(text, |expr| {
            restricted(expr)?;
            names(expr, &["event", "async"], &mut Vec::new())
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(
        text: &str,
        rule: impl FnOnce(&IdedExpr) -> Result<(), String> + Send,
    ) -> Result<Self, ExpressionError> {
        let fault = |problem| ExpressionError { text: text.chars().take(200).collect(), problem };
        if text.len() > LONGEST {
            return Err(fault(format!("is longer than {LONGEST} bytes")));
        }
        if text.trim().is_empty() {
            return Err(fault("is empty; leave it out".to_owned()));
        }
        let checked = with_room(|| {
            let program = Program::compile(text)
                .map_err(|error| format!("does not compile: {}", one_line(&error.to_string())))?;
            rule(program.expression())
        });
        checked.and_then(|checked| checked).map_err(fault)?;
        Ok(Self(text.to_owned()))
    }
}

/// Runs `work` with a deep stack: the library recurses, and what overflows a stack ends the whole process. Measured
/// without optimization, a sum of sixty numbers overflows the two megabytes that threads usually have.
fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread
            .spawn_scoped(scope, work)
            .map_err(|error| format!("cannot be compiled: {error}"))?;
        thread.join().map_err(|_| "breaks the library that reads it; write it simpler".to_owned())
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Refuses variables other than `known`, those of a comprehension within it apart.
fn names<'e>(expr: &'e IdedExpr, known: &[&str], bound: &mut Vec<&'e str>) -> Result<(), String> {
    match &expr.expr {
        Expr::Ident(name) => {
            let name = name.as_str();
            let fine = known.contains(&name) || bound.contains(&name) || TYPES.contains(&name);
            if fine {
                Ok(())
            } else {
                Err(format!("names {name:?}; what is known here: {}", known.join(", ")))
            }
        }
        Expr::Comprehension(each) => {
            names(&each.iter_range, known, bound)?;
            names(&each.accu_init, known, bound)?;
            let outside = bound.len();
            bound.extend([each.iter_var.as_str(), each.accu_var.as_str()]);
            bound.extend(each.iter_var2.as_deref());
            for part in [&each.loop_cond, &each.loop_step, &each.result] {
                names(part, known, bound)?;
            }
            bound.truncate(outside);
            Ok(())
        }
        _ => children(&expr.expr).into_iter().try_for_each(|child| names(child, known, bound)),
    }
}

/// Refuses everything but comparisons, logic, literals and access to members.
fn restricted(expr: &IdedExpr) -> Result<(), String> {
    let fault = |what: &str| {
        Err(format!(
            "uses {what}; the server takes only comparisons, &&, ||, ! and members of event and async here"
        ))
    };
    match &expr.expr {
        Expr::Call(call) if !RESTRICTED_CALLS.contains(&call.func_name.as_str()) => {
            return fault(&format!("{:?}", call.func_name.trim_matches(['_', '@'])));
        }
        Expr::Select(select) if select.test => return fault("has()"),
        Expr::Comprehension(_) => return fault("a macro such as exists()"),
        Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => return fault("a list or a map"),
        _ => {}
    }
    children(&expr.expr).into_iter().try_for_each(restricted)
}

/// What an expression is made of, comprehensions apart.
fn children(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Struct(object) => {
            object.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect()
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Comprehension(_) => {
            Vec::new()
        }
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_over_the_event_are_taken() {
        for text in [
            "event.data.total > 10",
            "event.data.vip == true ? 120 : 0",
            "event.data.customer_id",
            "event.data['a b'] + '-' + string(event.data.n)",
            "has(event.data.id) && event.name.startsWith('shop/')",
            "event.data.items.exists(item, item.price > 3)",
            "event.data.items.map(x, x.id).filter(y, y != '')",
            "'x' in event.data.tags || type(event.data.n) == int",
            "{'a': event.data.a}.a == [event.data.b][0]",
        ] {
            assert!(Expression::over_event(text).is_ok(), "{:?}", Expression::over_event(text));
        }
    }

    #[test]
    fn a_match_of_two_events_is_restricted() {
        for text in [
            "event.data.id == async.data.id",
            "async.data.total >= -5 && !(event.data['k'] != async.data.list[0]) || async.ts < 7.5",
            "event.data.id == async.data.id && async.data.state == 'gone'",
        ] {
            let taken = Expression::over_both_events(text);
            assert!(taken.is_ok(), "{taken:?}");
        }
        for (text, says) in [
            ("has(async.data.id)", "uses has()"),
            ("async.data.items.exists(x, x == 1)", "uses a macro"),
            ("size(async.data.items) > 1", "uses \"size\""),
            ("async.data.name.startsWith('a')", "uses \"startsWith\""),
            ("async.data.n + 1 == event.data.n", "uses \"+\""),
            ("async.data.id in ['a']", "uses \"in\""),
            ("async.data.vip ? true : false", "uses \"?_:\""),
            ("async.data.tags == ['a']", "uses a list or a map"),
            ("other.data.id == 1", "names \"other\""),
            ("int == async.data.id && user == 1", "names \"user\""),
        ] {
            let error = Expression::over_both_events(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let long = format!("event.data.{}", "a".repeat(LONGEST));
        for (text, says) in [
            ("", "is empty"),
            (" ", "is empty"),
            ("event.data.", "does not compile"),
            ("1 +", "does not compile"),
            ("total > 1", "names \"total\"; what is known here: event"),
            ("async.data.id == 1", "names \"async\""),
            ("event.data.items.exists(x, y == 1)", "names \"y\""),
            ("[event.data.items.exists(x, true), x]", "names \"x\""),
            (&long, "longer than 4000 bytes"),
        ] {
            let error = Expression::over_event(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn the_deepest_expressions_harm_nobody() {
        for text in [
            format!("{}event{}", "(".repeat(1_990), ")".repeat(1_990)),
            format!("{}event.data.a", "!".repeat(3_900)),
            format!("true{}", "&&true".repeat(660)),
            format!("event{}", ".a".repeat(1_990)),
        ] {
            let _ = Expression::over_event(&text);
            let _ = Expression::over_both_events(&text);
        }
    }
}
