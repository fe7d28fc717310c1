//! The journal: what was written is read, whatever stands behind it, and what was read is read again.

use protocol::connect::record::{self, MAGIC};
use protocol::connect::request::Envelope;

/// A file of any content behind its beginning.
pub(super) fn any(content: &[u8]) {
    // Most contents have no beginning of their own.
    let file = [MAGIC, content].concat();
    for file in [content, &file] {
        let journal = record::read(file);
        assert!(journal.understood <= file.len());
        let again = record::read(&file[..journal.understood]);
        assert_eq!((&again.left, again.understood), (&journal.left, journal.understood));
        rewritten(&journal.left);
    }
}

/// The records of a request.
pub(super) fn of(envelope: &Envelope) {
    let taken = [MAGIC.as_slice(), &record::taken(envelope)].concat();
    let journal = record::read(&taken);
    assert_eq!(journal.left.as_slice(), std::slice::from_ref(envelope));
    assert_eq!(journal.understood, taken.len());
    let torn = record::read(&taken[..taken.len() - 1]);
    assert_eq!((torn.left.len(), torn.understood), (0, MAGIC.len()));
    let done = [taken.as_slice(), &record::done(envelope.id())].concat();
    let journal = record::read(&done);
    assert_eq!((journal.left.len(), journal.understood), (0, done.len()));
}

/// What is left, in a file of its own, is the same.
fn rewritten(left: &[Envelope]) {
    let records = left.iter().map(record::taken);
    let file = std::iter::once(MAGIC.to_vec()).chain(records).collect::<Vec<_>>().concat();
    let journal = record::read(&file);
    assert_eq!((journal.left.as_slice(), journal.understood), (left, file.len()));
}
