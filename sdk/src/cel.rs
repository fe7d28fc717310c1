//! Conditions in CEL, made of values.
//!
//! What a step waits for is a condition over two events: `event` started the run, `async` is the
//! candidate. [`Match`] writes it, so that a value with a quote in it cannot become code:
//!
//! ```
//! use serde_json::json;
//! use system_bus_sdk::cel::{Match, selector};
//!
//! let mut condition = Match::default();
//! condition.equal(&selector("data.order_id")?, &json!("o\"7"))?;
//! condition.same(&selector("data.customer")?);
//! assert_eq!(
//!     condition.text().as_deref(),
//!     Some(r#"async.data.order_id == "o\"7" && event.data.customer == async.data.customer"#)
//! );
//! # Ok::<(), system_bus_sdk::cel::Unwritable>(())
//! ```

use std::fmt::{self, Display, Write as _};

use serde_json::Value;

/// The largest whole number that the server's JSON keeps exactly.
const EXACT: u64 = 1 << 53;

/// The members that every event has; a path begins with one of them.
const MEMBERS: [&str; 6] = ["data", "id", "name", "ts", "user", "v"];

/// Words of CEL that cannot be selected with a dot.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Why something has no form in CEL; the text says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable(String);

impl Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

/// A condition over `event` and `async`: every clause has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    clauses: Vec<Clause>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Clause {
    /// Made of a value; no operator in it binds less than `&&`.
    Made(String),
    /// As somebody wrote it.
    Written(String),
}

impl Clause {
    fn alone(&self) -> &str {
        let (Self::Made(text) | Self::Written(text)) = self;
        text
    }

    fn beside_others(&self) -> String {
        match self {
            Self::Made(text) => text.clone(),
            // A comment at its end would take the bracket along.
            Self::Written(text) if text.contains("//") => format!("({text}\n)"),
            Self::Written(text) => format!("({text})"),
        }
    }
}

impl Match {
    /// The candidate's member, named by a [`selector`], has this value.
    ///
    /// Fails for lists and objects, which the server does not compare, and for whole numbers that
    /// the server's JSON does not keep exactly.
    pub fn equal(&mut self, selector: &str, value: &Value) -> Result<(), Unwritable> {
        let clause = format!("async{selector} == {}", literal(value)?);
        self.clauses.push(Clause::Made(clause));
        Ok(())
    }

    /// The candidate's member has the value that it has in the event that started the run.
    pub fn same(&mut self, selector: &str) {
        self.clauses.push(Clause::Made(format!("event{selector} == async{selector}")));
    }

    /// A condition as somebody wrote it.
    pub fn raw(&mut self, expression: &str) {
        self.clauses.push(Clause::Written(expression.to_owned()));
    }

    /// The whole condition; `None` where everything matches.
    pub fn text(&self) -> Option<String> {
        let joined =
            || self.clauses.iter().map(Clause::beside_others).collect::<Vec<_>>().join(" && ");
        let text = match self.clauses.as_slice() {
            [] => return None,
            // A condition that stands alone goes out as it was written.
            [only] => only.alone().to_owned(),
            _ => joined(),
        };
        // The server takes literals out of an expression by their source text, escapes and all,
        // unless it sees an escaped quote somewhere. No event is called `"`.
        if text.contains('\\') && !text.contains(r#"\""#) {
            return Some(joined() + r#" && async.name != "\"""#);
        }
        Some(text)
    }
}

/// The selector of a path such as `data.order.id`, to be written behind `event` or `async`.
///
/// Members that are no words of CEL are selected in brackets: `data.order-id` is
/// `.data["order-id"]`. Fails where the path does not begin with a member of an event.
pub fn selector(path: &str) -> Result<String, Unwritable> {
    let mut members = path.split('.');
    let first = members.next().unwrap_or_default();
    if !MEMBERS.contains(&first) || path.split('.').any(str::is_empty) {
        return Err(Unwritable(format!(
            "`{path}` is not a path in an event: write for instance `data.order_id`"
        )));
    }
    let mut selector = format!(".{first}");
    for member in members {
        if is_word(member) {
            selector.push('.');
            selector.push_str(member);
        } else {
            selector.push('[');
            quote(member, &mut selector);
            selector.push(']');
        }
    }
    Ok(selector)
}

fn is_word(member: &str) -> bool {
    member.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && member.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !RESERVED.contains(&member)
}

/// A value as a literal.
///
/// Fails for lists, objects, and whole numbers beyond 2^53.
pub fn literal(value: &Value) -> Result<String, Unwritable> {
    match value {
        Value::Null => Ok("null".to_owned()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::String(text) => {
            let mut literal = String::with_capacity(text.len() + 2);
            quote(text, &mut literal);
            Ok(literal)
        }
        Value::Number(number) => {
            let whole = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            match whole {
                Some(whole) if whole > EXACT => Err(Unwritable(format!(
                    "{number} is beyond 2^53, where the server's numbers lose their last digits: \
                     compare texts instead"
                ))),
                Some(_) => Ok(number.to_string()),
                None => Ok(float(number.as_f64().unwrap_or_default())),
            }
        }
        Value::Array(_) | Value::Object(_) => Err(Unwritable(format!(
            "{value} cannot be compared: compare a text, a number, true or false, or null"
        ))),
    }
}

/// A number with a fraction or an exponent; both grammars have the form `1.5e-7`.
fn float(number: f64) -> String {
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

fn quote(text: &str, into: &mut String) {
    into.push('"');
    for character in text.chars() {
        match character {
            '"' => into.push_str(r#"\""#),
            '\\' => into.push_str(r"\\"),
            '\n' => into.push_str(r"\n"),
            '\r' => into.push_str(r"\r"),
            '\t' => into.push_str(r"\t"),
            control if control.is_control() => {
                write!(into, "\\u{:04x}", u32::from(control)).expect("memory takes text");
            }
            other => into.push(other),
        }
    }
    into.push('"');
}

#[cfg(test)]
mod tests;
