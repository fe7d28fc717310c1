//! Text → [`Grants`]: everything that is wrong with it at once, each with its place.
//!
//! The types say what may be written, and their own messages are what is reported: no second list of keys has to be kept
//! beside them. A deserializer stops at the first fault, so the faulty entry is taken out and the rest is read again,
//! until nothing is wrong with what is left. What is left is then checked for what no single entry can know: that
//! names are there which others refer to.

use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, Deserializer};

use super::nearest::nearest;
use super::problem::{GrantsError, Problem, Wrong};
use super::written::{Written, place};
use super::{Grants, references};
use crate::{inference, redis, secrets, shell};

/// The largest file that is read, in bytes.
pub const LARGEST: usize = 1 << 20;

/// How many problems are told at once.
const MOST: usize = 50;

/// Reads grants.
///
/// Fails with everything that is wrong: unknown keys, wrong values, names that are nowhere, paths that are not absolute,
/// settings that contradict each other.
///
/// ```
/// let grants = capabilities::grants::parse("[roots.notes]\npath = '/srv/notes'").unwrap();
/// assert_eq!(grants.roots.len(), 1);
///
/// let error = capabilities::grants::parse("[rots.notes]\npath = '/srv/notes'").unwrap_err();
/// assert!(error.to_string().starts_with("line 1, column 2: "), "{error}");
/// assert!(error.to_string().contains("did you mean `roots`?"), "{error}");
/// ```
pub fn parse(text: &str) -> Result<Grants, GrantsError> {
    let wrong = |problem| Err(GrantsError(vec![problem]));
    if text.len() > LARGEST {
        let said = format!("the file has {} bytes; at most {LARGEST} are read", text.len());
        return wrong(Problem { line: 1, column: 1, message: said });
    }
    let mut table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => return wrong(problem(text, &error)),
    };
    let mut problems = Vec::new();
    let mut removed: Vec<Removed> = Vec::new();
    let grants = loop {
        let error = match Grants::deserialize(Deserializer::from(table.clone())) {
            Ok(grants) => break Some(grants),
            Err(error) => error,
        };
        // What is missing because it was wrong has been told.
        let told = removed.iter().any(|one| one.is_missed_by(&error));
        if !told {
            problems.push(problem(text, &error));
        }
        let taken = error.span().and_then(|span| take(table.get_mut(), &span));
        match taken {
            Some(taken) if problems.len() < MOST => removed.push(taken),
            _ => break None,
        }
    };
    if let Some(grants) = grants {
        let known: Vec<_> = removed.iter().map(|one| one.key.as_str()).collect();
        for Wrong { path, message } in all_wrong(&grants) {
            // An entry that was taken out is wrong in itself, which is enough to say.
            let named = |key: &&str| message.contains(&format!("`{key}`"));
            if !known.iter().any(named) {
                problems.push(Problem::at(text, &place(&table, &path), message));
            }
        }
        if problems.is_empty() {
            return Ok(Grants { written: Written::of(text, table.get_ref()), ..grants });
        }
    }
    problems.sort();
    problems.truncate(MOST);
    Err(GrantsError(problems))
}

/// What is wrong though each value is one: names that are nowhere, and what only its capability can tell of an entry.
fn all_wrong(grants: &Grants) -> Vec<Wrong> {
    let mut wrong = references::check(grants);
    wrong.extend(inference::wrong(grants));
    wrong.extend(redis::wrong(grants));
    wrong.extend(secrets::wrong(grants));
    wrong.extend(shell::wrong(grants));
    wrong
}

/// What a deserializer complains of, with the nearest of the names that it expects.
fn problem(text: &str, error: &toml::de::Error) -> Problem {
    let message = error.message();
    let span = error.span().unwrap_or_default();
    Problem::at(text, &span, better(message).unwrap_or_else(|| message.to_owned()))
}

/// Says `did you mean` where a message lists what was expected: ``unknown field `a`, expected one of `b`, `c` ``.
fn better(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown ")?;
    let (what, rest) = rest.split_once(" `")?;
    let (name, expected) = rest.split_once("`, expected ")?;
    let known: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
    let what = if what == "field" { "key" } else { "value" };
    let all = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    Some(match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {what} `{name}`: did you mean `{near}`? (known: {all})"),
        None => format!("unknown {what} `{name}`: known here: {all}"),
    })
}

/// An entry that was taken out because it is wrong.
struct Removed {
    key: String,
    /// Of the table it was in, which complains when the entry is one that it needs.
    parent: Range<usize>,
}

impl Removed {
    fn is_missed_by(&self, error: &toml::de::Error) -> bool {
        error.message() == format!("missing field `{}`", self.key)
            && error.span().is_none_or(|span| span == self.parent)
    }
}

/// Takes the innermost entry out that has this span, or that it lies in.
fn take(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Removed> {
    take_within(table, &(0..0), span, true).or_else(|| take_within(table, &(0..0), span, false))
}

fn meets(own: &Range<usize>, span: &Range<usize>, exactly: bool) -> bool {
    if exactly { own == span } else { own.start <= span.start && span.end <= own.end }
}

fn take_within(
    table: &mut DeTable<'_>,
    parent: &Range<usize>,
    span: &Range<usize>,
    exactly: bool,
) -> Option<Removed> {
    for (_, value) in table.iter_mut() {
        let own = value.span();
        if let Some(taken) = take_inside(value.get_mut(), &own, span, exactly) {
            return Some(taken);
        }
    }
    let found = table.iter().find(|(key, value)| {
        meets(&key.span(), span, exactly) || meets(&value.span(), span, exactly)
    });
    let key = found?.0.clone();
    table.remove(&key);
    Some(Removed { key: key.into_inner().into_owned(), parent: parent.clone() })
}

fn take_inside(
    value: &mut DeValue<'_>,
    own: &Range<usize>,
    span: &Range<usize>,
    exactly: bool,
) -> Option<Removed> {
    match value {
        DeValue::Table(inner) => take_within(inner, own, span, exactly),
        DeValue::Array(items) => {
            for item in items.iter_mut() {
                let own = item.span();
                if let Some(taken) = take_inside(item.get_mut(), &own, span, exactly) {
                    return Some(taken);
                }
            }
            let at = items.iter().position(|item| meets(&item.span(), span, exactly))?;
            // The list goes on without it; its key stays, so nothing can miss it.
            let rest = items.iter().enumerate().filter(|(position, _)| *position != at);
            *items = rest.map(|(_, item)| item.clone()).collect();
            Some(Removed { key: String::new(), parent: own.clone() })
        }
        _ => None,
    }
}
