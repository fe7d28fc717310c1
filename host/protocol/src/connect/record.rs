//! The journal's records: which requests were taken, and which are done.
//!
//! A record is its length and a checksum, four bytes each, then a message. A file of them may end anywhere, because the
//! process may die while it writes: what follows the last whole record is not looked at.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use super::frames::ExecutorRequest;
use super::request::Envelope;
use crate::call::{Attempt, Terms};

/// What a file of records begins with; another beginning is another format.
pub const MAGIC: &[u8; 8] = b"sbconn1\n";

/// One line of the journal.
#[derive(Clone, PartialEq, Message)]
struct Record {
    /// A request that was taken, without its payload.
    #[prost(message, optional, tag = "1")]
    taken: Option<ExecutorRequest>,
    #[prost(uint32, tag = "2")]
    attempt: u32,
    #[prost(uint32, tag = "3")]
    attempts: u32,
    /// A request that is done, by its id.
    #[prost(string, tag = "4")]
    done: String,
    #[prost(sint32, tag = "5")]
    version: i32,
}

/// The record of a request that was taken.
pub fn taken(envelope: &Envelope) -> Vec<u8> {
    framed(&Record {
        taken: Some(envelope.request.clone()),
        attempt: envelope.terms.attempt.number,
        attempts: envelope.terms.attempt.most,
        version: envelope.terms.version,
        done: String::new(),
    })
}

/// The record of a request whose reply the server has, or does not want.
pub fn done(id: &str) -> Vec<u8> {
    framed(&Record { done: id.to_owned(), ..Record::default() })
}

fn framed(record: &Record) -> Vec<u8> {
    let body = record.encode_to_vec();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(8 + body.len());
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(&body));
    bytes.extend(body);
    bytes
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(body);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// What a journal says.
#[derive(Debug, Default)]
pub struct Journal {
    /// The requests that were taken and are not done.
    pub left: Vec<Envelope>,
    /// How many bytes of the file were understood; the rest is to be overwritten.
    pub understood: usize,
}

/// Reads a journal, as far as it is whole.
///
/// A record whose checksum does not fit ends the reading like a torn one: what follows it cannot be told from chance.
pub fn read(file: &[u8]) -> Journal {
    let mut left: BTreeMap<String, Envelope> = BTreeMap::new();
    let Some(mut rest) = file.strip_prefix(MAGIC) else { return Journal::default() };
    while let Some((record, after)) = next(rest) {
        if let Some(request) = record.taken {
            let attempt = Attempt { number: record.attempt, most: record.attempts };
            let terms = Terms { attempt, version: record.version };
            left.insert(request.request_id.clone(), Envelope { request, terms });
        } else {
            left.remove(&record.done);
        }
        rest = after;
    }
    Journal { left: left.into_values().collect(), understood: file.len() - rest.len() }
}

fn next(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (body, rest) = rest.split_at_checked(length)?;
    if checksum(body) != *sum {
        return None;
    }
    Some((Record::decode(Bytes::copy_from_slice(body)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::LARGEST_FRAME;
    use super::super::request::tests::request;
    use super::*;

    fn file() -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        for id in ["a", "b", "c"] {
            file.extend(taken(&request(id, Some("step")).envelope));
        }
        file.extend(done("b"));
        file
    }

    fn ids(journal: &Journal) -> Vec<&str> {
        journal.left.iter().map(Envelope::id).collect()
    }

    #[test]
    fn what_was_taken_and_is_not_done_is_left() {
        let journal = read(&file());
        assert_eq!(ids(&journal), ["a", "c"]);
        assert_eq!(journal.left[0], request("a", Some("step")).envelope);
        assert_eq!(journal.understood, file().len());
    }

    #[test]
    fn a_torn_tail_costs_its_record_and_no_other() {
        let whole = file();
        for cut in 1..done("b").len() {
            let journal = read(&whole[..whole.len() - cut]);
            assert_eq!(ids(&journal), ["a", "b", "c"], "cut by {cut}");
            assert_eq!(journal.understood, whole.len() - done("b").len());
        }
    }

    #[test]
    fn a_record_of_any_size_is_read_and_so_is_what_follows_it() {
        let mut large = request("large", None).envelope;
        large.request.user_trace_ctx = vec![b'x'; LARGEST_FRAME].into();
        let file = [MAGIC.as_slice(), &taken(&large), &taken(&request("next", None).envelope)];
        let journal = read(&file.concat());
        assert_eq!(ids(&journal), ["large", "next"]);
        assert_eq!(journal.left[0], large);
    }

    #[test]
    fn a_changed_record_ends_the_reading_and_a_foreign_file_is_not_read() {
        let mut changed = file();
        let second = MAGIC.len() + taken(&request("a", Some("step")).envelope).len();
        changed[second + 20] ^= 1;
        let journal = read(&changed);
        assert_eq!((ids(&journal), journal.understood), (vec!["a"], second));
        for foreign in [&b""[..], b"sbconn", b"something else entirely"] {
            assert_eq!((read(foreign).left.len(), read(foreign).understood), (0, 0));
        }
    }

    proptest! {
        /// Whatever the disk holds, reading answers.
        #[test]
        fn reading_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut file = file();
            let at = at.index(file.len());
            file[at] = byte;
            file.extend(noise);
            let journal = read(&file);
            prop_assert!(journal.understood <= file.len());
        }
    }
}
