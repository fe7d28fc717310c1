//! Memos: what earlier steps of a run left behind, indexed but not parsed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::id::StepId;

/// The memos of one call: one scan of the body into id → byte range. Values stay where they are in the body.
#[derive(Debug, Clone, Default)]
pub struct MemoTable {
    body: Bytes,
    entries: HashMap<StepId, Entry, BuildHasherDefault<HashedAlready>>,
}

#[derive(Debug, Clone)]
struct Entry {
    bytes: Range<usize>,
    rank: u32,
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
}

impl MemoTable {
    /// Indexes the memos in `steps`, a slice of `body`, and ranks them by the server's `stack`: the order in which
    /// they completed. Memos that are not in the stack come last, in the order of the body.
    pub(crate) fn index(
        body: Bytes,
        steps: &RawValue,
        stack: &[StepId],
    ) -> Result<Self, serde_json::Error> {
        let mut entries = HashMap::default();
        let scan =
            Scan { origin: body.as_ptr() as usize, after: stack.len(), entries: &mut entries };
        serde::Deserializer::deserialize_map(
            &mut serde_json::Deserializer::from_str(steps.get()),
            scan,
        )?;
        for (rank, id) in stack.iter().enumerate() {
            if let Some(entry) = entries.get_mut(id) {
                entry.rank = u32::try_from(rank).unwrap_or(u32::MAX);
            }
        }
        Ok(Self { body, entries })
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
        // The range was taken from a `str` within the body, so it is valid text.
        let raw = std::str::from_utf8(&self.body[entry.bytes.clone()]).ok()?;
        Some((read(raw, shape), entry.rank))
    }
}

fn read(raw: &str, shape: Shape) -> Memo<'_> {
    match shape {
        Shape::Presence => Memo::Data("null"),
        Shape::Wrapped => {
            unwrap_canonical(raw).or_else(|| unwrap_parsed(raw)).unwrap_or(Memo::Data(raw))
        }
    }
}

/// The server sends canonical JSON, so the wrapper is known to the byte. No parse, no copy.
fn unwrap_canonical(raw: &str) -> Option<Memo<'_>> {
    let inner = |prefix: &str| raw.strip_prefix(prefix)?.strip_suffix('}');
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

struct Scan<'t> {
    origin: usize,
    after: usize,
    entries: &'t mut HashMap<StepId, Entry, BuildHasherDefault<HashedAlready>>,
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object from step ids to memos")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rank = u32::try_from(self.after).unwrap_or(u32::MAX);
        while let Some((id, value)) = map.next_entry::<StepId, &'de RawValue>()? {
            let start = value.get().as_ptr() as usize - self.origin;
            self.entries.insert(id, Entry { bytes: start..start + value.get().len(), rank });
            rank = rank.saturating_add(1);
        }
        Ok(())
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
        let body = Bytes::from(steps.to_owned());
        let owned = body.clone();
        let raw: &RawValue = serde_json::from_slice(&owned).expect("JSON");
        MemoTable::index(body, raw, stack).expect("memos")
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
            (r#"{"other":1}"#, Memo::Data(r#"{"other":1}"#)),
            ("null", Memo::Data("null")),
            ("7", Memo::Data("7")),
        ] {
            assert_eq!(read(raw, Shape::Wrapped), expected, "{raw}");
            assert_eq!(read(raw, Shape::Presence), Memo::Data("null"), "{raw}");
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
