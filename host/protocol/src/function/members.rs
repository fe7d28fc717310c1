//! Reads the members of a JSON object one by one, and gathers every fault with the path of its member.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::duration;
use crate::expression::{Expression, ExpressionError};

/// An object whose members are taken out as they are understood. What is left at the end is a fault.
#[derive(Debug)]
pub(super) struct Members {
    map: Map<String, Value>,
    faults: Vec<String>,
}

impl Members {
    pub(super) fn new(map: Map<String, Value>) -> Self {
        Self { map, faults: Vec::new() }
    }

    /// Notes a fault of the member `name`.
    pub(super) fn fault(&mut self, name: &str, problem: impl std::fmt::Display) {
        self.faults.push(format!("{name}: {problem}"));
    }

    /// Whether the member is there and was not taken yet.
    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Whether the member is a text.
    pub(super) fn is_text(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(Value::is_string)
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_fine(&self) -> bool {
        self.faults.is_empty()
    }

    /// The faults, with one for each member that nobody took.
    pub(super) fn finish(mut self) -> Vec<String> {
        for name in self.map.keys() {
            self.faults.push(format!(
                "{name}: this worker knows no such member; mend the spelling, or use a newer worker"
            ));
        }
        self.faults
    }

    /// Takes a value out, as it is.
    pub(super) fn any(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    /// Takes a text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.map.remove(name)? {
            Value::String(text) => Some(text),
            other => {
                self.fault(name, format_args!("{} instead of a text", kind(&other)));
                None
            }
        }
    }

    /// Takes a whole number within `range`.
    pub(super) fn whole(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.map.remove(name)?;
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            let found = if value.is_number() { value.to_string() } else { kind(&value).to_owned() };
            let (least, most) = (range.start(), range.end());
            if *most == u32::MAX {
                self.fault(name, format_args!("{found} is not a whole number from {least} on"));
            } else {
                self.fault(name, format_args!("{found} is not {least} to {most}"));
            }
        }
        fits
    }

    /// Takes a duration within `range`.
    pub(super) fn duration(
        &mut self,
        name: &str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let text = self.text(name)?;
        match duration::parse(&text) {
            Ok(duration) if range.contains(&duration) => Some(duration),
            Ok(_) => {
                let (least, most) = (duration::text(*range.start()), duration::text(*range.end()));
                self.fault(name, format_args!("{text} is not between {least} and {most}"));
                None
            }
            Err(error) => {
                self.fault(name, error);
                None
            }
        }
    }

    /// Takes an expression.
    pub(super) fn expression(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<Expression, ExpressionError>,
    ) -> Option<Expression> {
        let text = self.text(name)?;
        read(&text).map_err(|error| self.fault(name, error)).ok()
    }

    /// Takes an object and reads it with `read`.
    pub(super) fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let value = self.map.remove(name)?;
        self.nested(name, value, read)
    }

    /// Takes an array of objects, as many as `range` says, and reads each with `read`.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        range: &RangeInclusive<usize>,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Vec<T> {
        let values = match self.map.remove(name) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(other) => {
                self.fault(name, format_args!("{} instead of an array", kind(&other)));
                return Vec::new();
            }
        };
        if !range.contains(&values.len()) {
            let (least, most) = (range.start(), range.end());
            self.fault(name, format_args!("{} entries are not {least} to {most}", values.len()));
        }
        let entries = values.into_iter().enumerate();
        entries
            .filter_map(|(at, value)| self.nested(&format!("{name}[{at}]"), value, &mut read))
            .collect()
    }

    /// Notes that a member is missing, unless something was wrong with it already.
    pub(super) fn required<T>(&mut self, name: &str, value: Option<T>, example: &str) -> Option<T> {
        let told = self.faults.iter().any(|fault| fault.starts_with(&format!("{name}: ")));
        if value.is_none() && !told {
            self.fault(name, format_args!("it is missing; write one such as {example}"));
        }
        value
    }

    fn nested<T>(
        &mut self,
        path: &str,
        value: Value,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let Value::Object(map) = value else {
            self.fault(path, format_args!("{} instead of an object", kind(&value)));
            return None;
        };
        let mut members = Self::new(map);
        let read = read(&mut members);
        let faults = members.finish();
        let fine = faults.is_empty();
        self.faults.extend(faults.into_iter().map(|fault| {
            // A fault without a member of its own is one of the whole object.
            if let Some(whole) = fault.strip_prefix(": ") {
                format!("{path}: {whole}")
            } else {
                format!("{path}.{fault}")
            }
        }));
        read.filter(|_| fine)
    }
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null, which should be left out,",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
