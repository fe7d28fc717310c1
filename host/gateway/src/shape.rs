//! A verified delivery → the events it stands for.

mod path;

use std::collections::BTreeMap;

use protocol::event::{EventName, NewEvent};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use self::path::plain;
pub use self::path::{Path, PathError, Read, Template};
use crate::delivery::Delivery;
use crate::verify::Verified;

/// The longest id of an event.
const LONGEST_ID: usize = 255;
/// How deep data may be nested: what servers refuse is refused here, while its sender still listens.
const DEEPEST: usize = 100;

/// One kind of delivery, and the event that it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What has to be where.
    pub when: Vec<(Path, Vec<String>)>,
    /// What the event is called.
    pub name: Naming,
    /// Its id, by which the server and the spool know a repeat; the hash of the body where a place of it is empty.
    pub id: Template,
    /// An object whose members the data begins with.
    pub all: Option<Path>,
    /// When it happened, in milliseconds since 1970.
    pub ts: Option<Path>,
    /// The members of the data: of several places the first that has something.
    pub data: BTreeMap<String, Vec<Path>>,
}

/// How an event comes by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// Always the same, or with what the delivery says.
    Text(Template),
    /// By a text of the delivery.
    Table {
        /// Where it is.
        by: Path,
        /// What is there → the name.
        names: BTreeMap<String, String>,
        /// What is there, where the table does not have it, is the name without this before it.
        rest: Option<String>,
    },
}

/// An event as a rule tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shaped {
    /// Its name, without the provider's prefix.
    pub name: String,
    /// Its data.
    pub data: Map<String, Value>,
    /// Its id; the hash of the body if absent.
    pub id: Option<String>,
    /// When it happened, in milliseconds since 1970; when it came, if absent.
    pub ts: Option<i64>,
}

/// Why what was delivered is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is of a kind that is meant, and lacks what its event needs.
    #[error("it makes no event: {0}")]
    Lacking(String),
    /// What came of it is no event that can be sent.
    #[error("what came of it cannot be sent: {0}")]
    Event(String),
}

/// The JSON of a delivery. Only what is verified is ever parsed.
pub fn parse(verified: Verified<'_>) -> Result<Value, ShapeError> {
    serde_json::from_slice(&verified.delivery().body)
        .map_err(|error| ShapeError::NotJson(error.to_string()))
}

/// The event of the first rule that fits; none where no rule does, which is no failure: senders tell of more than anybody
/// wants to hear.
///
/// Fails where the first rule that fits finds no name, or data that are no object: nobody is told that all is well with what
/// is lost.
pub fn shape(rules: &[Rule], read: Read<'_>) -> Result<Option<Shaped>, ShapeError> {
    rules.iter().find_map(|rule| rule.event(read).transpose()).transpose()
}

/// The event as it will be sent.
pub fn event(
    provider: &str,
    prefix: &str,
    shaped: Shaped,
    delivery: &Delivery,
) -> Result<NewEvent, ShapeError> {
    let name = if prefix.is_empty() { shaped.name } else { format!("{prefix}/{}", shaped.name) };
    let name = EventName::sendable(&name).map_err(|error| ShapeError::Event(error.to_string()))?;
    let id = shaped.id.filter(|id| !id.is_empty()).unwrap_or_else(|| {
        let hash = delivery.sha256();
        format!("{provider}-{}", &hash[..32])
    });
    // Another one that is as long and begins alike would be taken for a repeat.
    let id = if id.len() <= LONGEST_ID {
        id
    } else {
        format!("{provider}-{}", blake3::hash(id.as_bytes()).to_hex())
    };
    if shaped.data.values().any(|value| is_deeper(value, DEEPEST - 1)) {
        let problem = format!("its data is nested deeper than {DEEPEST} levels");
        return Err(ShapeError::Event(problem));
    }
    let data: Box<RawValue> =
        to_raw_value(&shaped.data).map_err(|error| ShapeError::Event(error.to_string()))?;
    let ts = shaped.ts.unwrap_or_else(|| delivery.at.as_millisecond());
    Ok(NewEvent { name, data, id: Some(id), ts: Some(ts), user: None, v: None })
}

/// Whether a value has more levels than these.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let deeper = |value: &Value| levels == 0 || is_deeper(value, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(deeper) || levels == 0,
        Value::Object(members) => members.values().any(deeper) || levels == 0,
        _ => false,
    }
}

impl Rule {
    fn event(&self, read: Read<'_>) -> Result<Option<Shaped>, ShapeError> {
        let is = |(path, values): &(Path, Vec<String>)| {
            let found = path.value(read).as_ref().and_then(plain);
            found.is_some_and(|found| values.contains(&found))
        };
        if !self.when.iter().all(is) {
            return Ok(None);
        }
        let name = match (self.name.of(read), &self.name) {
            (Some(name), _) => name,
            (None, Naming::Table { .. }) => return Ok(None),
            (None, Naming::Text(_)) => {
                return Err(ShapeError::Lacking("it does not say what it is".to_owned()));
            }
        };
        let mut data = match self.all.as_ref().and_then(|path| path.value(read)) {
            Some(Value::Object(all)) => all,
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(ShapeError::Lacking("its data are no object".to_owned())),
        };
        for (member, paths) in &self.data {
            let mut found: Vec<Value> = paths.iter().filter_map(|path| path.value(read)).collect();
            // Null is something, where there is nothing better.
            let best = found.iter().position(|value| !value.is_null()).unwrap_or(0);
            if best < found.len() {
                data.insert(member.clone(), found.swap_remove(best));
            }
        }
        let ts = self.ts.as_ref().and_then(|path| path.value(read)?.as_i64());
        Ok(Some(Shaped { name, data, id: self.id.text(read), ts }))
    }
}

impl Naming {
    fn of(&self, read: Read<'_>) -> Option<String> {
        match self {
            Self::Text(template) => template.text(read),
            Self::Table { by, names, rest } => {
                let said = plain(&by.value(read)?)?;
                match (names.get(&said), rest) {
                    (Some(name), _) => Some(name.clone()),
                    (None, Some(before)) => said.strip_prefix(before.as_str()).map(str::to_owned),
                    (None, None) => None,
                }
            }
        }
    }
}
