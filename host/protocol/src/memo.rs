//! Memos: what earlier steps of a run left behind, indexed but not parsed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use bytestring::ByteString;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::id::StepId;

/// The memos of one call: one scan of the body into id → byte range. Values stay where they are in the body.
#[derive(Debug, Clone, Default)]
pub struct MemoTable {
    body: ByteString,
    entries: HashMap<StepId, Entry, BuildHasherDefault<HashedAlready>>,
}

#[derive(Debug, Clone)]
struct Entry {
    bytes: Range<usize>,
    rank: u32,
    /// Whether the server's order of completion names it.
    ordered: bool,
}

/// One memo, read as the kind of its step demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memo<'b> {
    /// The step succeeded; its result as JSON.
    Data(&'b str),
    /// The step failed for good; its error as JSON, an object with `name` and `message`.
    Error(&'b str),
    /// The step has not run; an operator edited its input, a JSON array of arguments.
    Input(&'b str),
}

/// How a memo's stored shape is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{"data": …}`, `{"error": …}` or `{"input": …}`: steps that run a body.
    Wrapped,
    /// Any value at all means that the step is done and has no result: sleeps.
    Presence,
    /// The value is the result, whatever it looks like: a matched event may consist of `data` alone.
    Whole,
}

impl MemoTable {
    /// Indexes the memos in `steps`, which stand in `body`, and ranks them by the server's `stack`: the order in which
    /// they completed. Memos that are not in the stack come last, in the order of the body.
    pub(crate) fn index(body: ByteString, steps: &Steps<'_>, stack: &[StepId]) -> Self {
        let origin = body.as_ptr() as usize;
        let mut entries =
            HashMap::with_capacity_and_hasher(steps.0.len(), BuildHasherDefault::new());
        for (after, (id, value)) in steps.0.iter().enumerate() {
            let start = value.get().as_ptr() as usize - origin;
            let rank = u32::try_from(stack.len() + after).unwrap_or(u32::MAX);
            entries.insert(
                *id,
                Entry { bytes: start..start + value.get().len(), rank, ordered: false },
            );
        }
        for (rank, id) in stack.iter().enumerate() {
            if let Some(entry) = entries.get_mut(id) {
                entry.rank = u32::try_from(rank).unwrap_or(u32::MAX);
                entry.ordered = true;
            }
        }
        Self { body, entries }
    }

    /// The same memos, some with another text: `rewrite` answers with the new one where there is one.
    pub(crate) fn rewritten<E>(
        &self,
        mut rewrite: impl FnMut(&StepId, &str) -> Result<Option<String>, E>,
    ) -> Result<Self, E> {
        let mut body = String::with_capacity(self.body.len());
        let mut entries =
            HashMap::with_capacity_and_hasher(self.entries.len(), BuildHasherDefault::new());
        for (id, Entry { bytes, rank, ordered }) in &self.entries {
            let text = self.text(bytes);
            let start = body.len();
            match rewrite(id, text)? {
                Some(other) => body.push_str(&other),
                None => body.push_str(text),
            }
            entries.insert(*id, Entry { bytes: start..body.len(), rank: *rank, ordered: *ordered });
        }
        Ok(Self { body: body.into(), entries })
    }

    /// Whether any memo may contain this text: a quick look at the whole body, which reads nothing.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        memchr::memmem::find(self.body.as_bytes(), text.as_bytes()).is_some()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The memo of a step, and its rank in the order of completion.
    pub fn get(&self, id: &StepId, shape: Shape) -> Option<(Memo<'_>, u32)> {
        let entry = self.entries.get(id)?;
        Some((read(self.text(&entry.bytes), shape), entry.rank))
    }

    /// What is stored for a step, as it is.
    pub(crate) fn text_of(&self, id: &StepId) -> Option<&str> {
        self.entries.get(id).map(|entry| self.text(&entry.bytes))
    }

    /// The rank of a memo that the server's order of completion names; the others have no order.
    pub(crate) fn place(&self, id: &StepId) -> Option<u32> {
        self.entries.get(id).filter(|entry| entry.ordered).map(|entry| entry.rank)
    }

    /// Ranks and ids of the steps that have ended, in no order: all but edited inputs.
    pub(crate) fn ended(&self) -> impl Iterator<Item = (u32, StepId)> + '_ {
        let ended = |entry: &Entry| {
            // What ended is in the order, and an input is not: most texts need no look.
            entry.ordered
                || !matches!(read(self.text(&entry.bytes), Shape::Wrapped), Memo::Input(_))
        };
        self.entries
            .iter()
            .filter(move |(_, entry)| ended(entry))
            .map(|(id, entry)| (entry.rank, *id))
    }

    /// [`MemoTable::get`] for later: the memo is not read twice.
    pub(crate) fn locate(&self, id: &StepId, shape: Shape) -> Option<(Located, u32)> {
        let (memo, rank) = self.get(id, shape)?;
        let (is, text) = match memo {
            Memo::Data(text) => (Is::Data, text),
            Memo::Error(text) => (Is::Error, text),
            Memo::Input(text) => (Is::Input, text),
        };
        let bytes = match shape {
            Shape::Presence => None,
            Shape::Wrapped | Shape::Whole => {
                let start = text.as_ptr() as usize - self.body.as_ptr() as usize;
                Some(start..start + text.len())
            }
        };
        Some((Located { is, bytes }, rank))
    }

    /// A memo that was located in this table.
    pub(crate) fn read(&self, Located { is, bytes }: &Located) -> Memo<'_> {
        let text = bytes.as_ref().map_or(NOTHING, |bytes| self.text(bytes));
        match is {
            Is::Data => Memo::Data(text),
            Is::Error => Memo::Error(text),
            Is::Input => Memo::Input(text),
        }
    }

    fn text(&self, bytes: &Range<usize>) -> &str {
        // Every range was taken from a `str` within the body.
        self.body.get(bytes.clone()).unwrap_or(NOTHING)
    }
}

/// A memo that was read: what it is, and where its text stands in the body, if it has one.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    is: Is,
    bytes: Option<Range<usize>>,
}

#[derive(Debug, Clone, Copy)]
enum Is {
    Data,
    Error,
    Input,
}

/// The text of a memo that has none.
const NOTHING: &str = "null";

pub(crate) fn read(raw: &str, shape: Shape) -> Memo<'_> {
    match shape {
        Shape::Presence => Memo::Data(NOTHING),
        Shape::Whole => Memo::Data(raw),
        Shape::Wrapped => {
            unwrap_canonical(raw).or_else(|| unwrap_parsed(raw)).unwrap_or(Memo::Data(raw))
        }
    }
}

/// The server sends canonical JSON, so the wrapper is known to the byte. No copy, and no parse beyond the end of the
/// value: a matched event begins like a wrapper and goes on with further members.
fn unwrap_canonical(raw: &str) -> Option<Memo<'_>> {
    let inner = |prefix: &str| {
        let inner = raw.strip_prefix(prefix)?.strip_suffix('}')?;
        serde_json::from_str::<serde::de::IgnoredAny>(inner).is_ok().then_some(inner)
    };
    inner(r#"{"data":"#)
        .map(Memo::Data)
        .or_else(|| inner(r#"{"error":"#).map(Memo::Error))
        .or_else(|| inner(r#"{"input":"#).map(Memo::Input))
}

/// The same for a form with spaces: an object with exactly one known key is a wrapper.
fn unwrap_parsed(raw: &str) -> Option<Memo<'_>> {
    struct OneKey;
    impl<'de> Visitor<'de> for OneKey {
        type Value = Option<Memo<'de>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a memo")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let Some((key, value)) =
                map.next_entry::<std::borrow::Cow<'de, str>, &'de RawValue>()?
            else {
                return Ok(None);
            };
            if map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {
                while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            Ok(match &*key {
                "data" => Some(Memo::Data(value.get())),
                "error" => Some(Memo::Error(value.get())),
                "input" => Some(Memo::Input(value.get())),
                _ => None,
            })
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(raw), OneKey)
        .ok()?
}

/// The member `steps` of a call's body: its memos where they stand, in the order of the body.
pub(crate) struct Steps<'b>(Vec<(StepId, &'b RawValue)>);

impl<'de: 'b, 'b> Deserialize<'de> for Steps<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scanned = deserializer.deserialize_map(Scan);
        scanned.map_err(|error| D::Error::custom(format_args!("steps: {error}")))
    }
}

struct Scan;

impl<'de> Visitor<'de> for Scan {
    type Value = Steps<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object from step ids to memos")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Steps<'de>, A::Error> {
        let mut steps = Vec::new();
        while let Some(step) = map.next_entry()? {
            steps.push(step);
        }
        Ok(Steps(steps))
    }
}

/// Step ids are hashes already; eight of their bytes are as good a hash of them as any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HashedAlready(u64);

impl Hasher for HashedAlready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    // The length of the array, which says nothing.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(steps: &str, stack: &[StepId]) -> MemoTable {
        let body = ByteString::from(steps);
        let owned = body.clone();
        let steps = serde_json::from_str(&owned).expect("memos");
        MemoTable::index(body, &steps, stack)
    }

    #[test]
    fn shapes_are_read_by_kind() {
        for (raw, expected) in [
            (r#"{"data":{"ok":true}}"#, Memo::Data(r#"{"ok":true}"#)),
            (r#"{"data":null}"#, Memo::Data("null")),
            (
                r#"{"error":{"message":"m","name":"n"}}"#,
                Memo::Error(r#"{"message":"m","name":"n"}"#),
            ),
            (r#"{"input":[1]}"#, Memo::Input("[1]")),
            (r#"{ "data" : [1, 2] }"#, Memo::Data("[1, 2]")),
            (r#"{ "data": 1, "error": 2 }"#, Memo::Data(r#"{ "data": 1, "error": 2 }"#)),
            (r#"{"data":1,"error":2}"#, Memo::Data(r#"{"data":1,"error":2}"#)),
            (
                r#"{"data":{},"id":"e","name":"a/b"}"#,
                Memo::Data(r#"{"data":{},"id":"e","name":"a/b"}"#),
            ),
            (r#"{"other":1}"#, Memo::Data(r#"{"other":1}"#)),
            ("null", Memo::Data("null")),
            ("7", Memo::Data("7")),
        ] {
            assert_eq!(read(raw, Shape::Wrapped), expected, "{raw}");
            assert_eq!(read(raw, Shape::Presence), Memo::Data("null"), "{raw}");
            assert_eq!(read(raw, Shape::Whole), Memo::Data(raw), "{raw}");
        }
    }

    #[test]
    fn ranks_follow_the_stack_and_then_the_body() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(StepId::hash);
        let steps =
            format!(r#"{{"{a}":{{"data":1}},"{b}":{{"data":2}},"{c}":null,"{d}":{{"data":4}}}}"#);
        let table = table(&steps, &[c, a]);
        let rank = |id| table.get(&id, Shape::Wrapped).map(|(_, rank)| rank);
        assert_eq!((rank(c), rank(a)), (Some(0), Some(1)));
        assert!(rank(b) > rank(a) && rank(d) > rank(b), "the rest keeps the order of the body");
        assert_eq!(rank(StepId::hash("e")), None);
        assert_eq!(table.get(&b, Shape::Wrapped).map(|(memo, _)| memo), Some(Memo::Data("2")));
        assert_eq!(table.len(), 4);
    }
}
