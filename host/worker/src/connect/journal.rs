//! The journal's file: which calls this process has taken and not answered, so that its successor can give them back.
//!
//! It guards against the death of the process, not of the machine: nothing is synced to disk.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::connect::record::{self, MAGIC};
use protocol::connect::request::Envelope;

use super::options::InstanceId;

/// The file is rewritten when it is larger than this and most of it is about calls that are done.
const COMPACT: u64 = 1 << 20;

/// The journal of one instance. Nobody else can open it while this lives.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    size: u64,
    /// The records of the calls that are not done.
    live: BTreeMap<String, Vec<u8>>,
    compact_at: u64,
    /// Held for its lock.
    _lock: File,
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error(
        "another worker uses {path} as the instance {instance:?}; give each worker its own --instance-id or --state-dir"
    )]
    Taken {
        /// The lock's file.
        path: PathBuf,
        /// Whose it is.
        instance: String,
    },
    /// The file system refuses.
    #[error("the journal {path} cannot be used: {reason}; check the folder given by --state-dir")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

impl Journal {
    /// Opens the journal of an instance, and answers with the calls that its last process left unanswered.
    pub(crate) fn open(
        dir: &Path,
        instance: &InstanceId,
    ) -> Result<(Self, Vec<Envelope>), JournalError> {
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |reason| JournalError::Io { path, reason }
        };
        std::fs::create_dir_all(dir).map_err(fault(dir))?;
        let lock_path = dir.join(format!("{instance}.lock"));
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(fault(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let instance = instance.to_string();
                return Err(JournalError::Taken { path: lock_path, instance });
            }
            Err(TryLockError::Error(reason)) => return Err(fault(&lock_path)(reason)),
        }
        let path = dir.join(format!("{instance}.journal"));
        let opened = Self::read(&path).map_err(fault(&path))?;
        let (file, size, left) = opened;
        let live = left.iter().map(|one| (one.id().to_owned(), record::taken(one))).collect();
        let journal = Self { path, file, size, live, compact_at: COMPACT, _lock: lock };
        Ok((journal, left))
    }

    /// Reads the file as far as it can be understood, and cuts off the rest.
    fn read(path: &Path) -> io::Result<(File, u64, Vec<Envelope>)> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let record::Journal { left, understood } = record::read(&bytes);
        if understood < bytes.len() {
            let dropped = bytes.len() - understood;
            tracing::warn!(path = %path.display(), dropped, "the journal's end cannot be read, as after a crash; going on without it");
        }
        let mut size = u64::try_from(understood).unwrap_or(0);
        file.set_len(size)?;
        file.seek(SeekFrom::Start(size))?;
        if size == 0 {
            file.write_all(MAGIC)?;
            size = MAGIC.len() as u64;
        }
        Ok((file, size, left))
    }

    /// Notes that a call was taken. Only then may the server be told so.
    pub(crate) fn taken(&mut self, envelope: &Envelope) {
        let record = record::taken(envelope);
        self.append(&record);
        self.live.insert(envelope.id().to_owned(), record);
    }

    /// Notes that the server has the reply, or does not want one.
    pub(crate) fn done(&mut self, id: &str) {
        if self.live.remove(id).is_none() {
            return;
        }
        self.append(&record::done(id));
        if self.size > self.compact_at
            && let Err(error) = self.compact()
        {
            tracing::warn!(path = %self.path.display(), %error, "the journal cannot be rewritten; it grows");
            self.compact_at = self.size * 2;
        }
    }

    fn append(&mut self, record: &[u8]) {
        match self.file.write_all(record) {
            Ok(()) => self.size += record.len() as u64,
            Err(error) => {
                // The call itself is fine; only a crash would cost it an attempt.
                tracing::error!(path = %self.path.display(), %error, "the journal cannot be written; is the disk full?");
                // What was written of it must not hide later records.
                let cut = self.file.set_len(self.size);
                drop(cut.and_then(|()| self.file.seek(SeekFrom::Start(self.size))));
            }
        }
    }

    /// Writes the live records to a new file, and puts it in the place of the old one.
    fn compact(&mut self) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.live.values().flatten());
        let mut file =
            OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&new)?;
        file.write_all(&bytes)?;
        std::fs::rename(&new, &self.path)?;
        self.file = file;
        self.size = bytes.len() as u64;
        self.compact_at = COMPACT.max(self.size * 2);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use prost::Message;
    use protocol::connect::frames::{ConnectMessage, ConnectionReady, ExecutorRequest, Kind};
    use protocol::connect::link::{Heard, Link};

    use super::*;

    fn envelope(id: &str) -> Envelope {
        let now = std::time::Instant::now();
        let mut link = Link::new(now);
        let request = ExecutorRequest {
            request_id: id.to_owned(),
            function_slug: "bus-five".to_owned(),
            request_payload: Bytes::from_static(br#"{"ctx":{"attempt":0}}"#),
            ..ExecutorRequest::default()
        };
        let mut heard = Vec::new();
        for frame in [
            ConnectMessage::empty(Kind::GatewayHello),
            ConnectMessage::around(Kind::GatewayConnectionReady, &ConnectionReady::default()),
            ConnectMessage::around(Kind::GatewayExecutorRequest, &request),
        ] {
            heard.push(link.hear(now, frame.encode_to_vec().into()).expect("a frame in its turn"));
        }
        let Some(Heard::Request(request)) = heard.pop() else { panic!("no request") };
        request.envelope
    }

    fn instance() -> InstanceId {
        "one".parse().expect("an id")
    }

    fn left(dir: &Path) -> Vec<String> {
        let (_, left) = Journal::open(dir, &instance()).expect("a journal");
        left.iter().map(|one| one.id().to_owned()).collect()
    }

    #[test]
    fn a_successor_finds_what_was_taken_and_not_done() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut journal, before) = Journal::open(dir.path(), &instance()).expect("a journal");
        assert!(before.is_empty());
        for id in ["a", "b", "c"] {
            journal.taken(&envelope(id));
        }
        journal.done("b");
        journal.done("unknown");
        drop(journal);
        assert_eq!(left(dir.path()), ["a", "c"]);
        assert_eq!(left(dir.path()), ["a", "c"], "reading changes nothing");
    }

    #[test]
    fn two_processes_cannot_share_an_instance() {
        let dir = tempfile::tempdir().expect("a folder");
        let (journal, _) = Journal::open(dir.path(), &instance()).expect("a journal");
        let refused = Journal::open(dir.path(), &instance()).expect_err("taken").to_string();
        assert!(
            refused.contains("another worker") && refused.contains("--instance-id"),
            "{refused}"
        );
        let other = "two".parse().expect("an id");
        Journal::open(dir.path(), &other).expect("another instance has its own");
        drop(journal);
        Journal::open(dir.path(), &instance()).expect("free again");
    }

    #[test]
    fn a_torn_tail_is_cut_off_and_writing_goes_on_behind_what_is_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut journal, _) = Journal::open(dir.path(), &instance()).expect("a journal");
        journal.taken(&envelope("a"));
        journal.taken(&envelope("b"));
        drop(journal);
        let path = dir.path().join("one.journal");
        let bytes = std::fs::read(&path).expect("a file");
        std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("written");
        let (mut journal, found) = Journal::open(dir.path(), &instance()).expect("a journal");
        assert_eq!(found.len(), 1);
        journal.taken(&envelope("c"));
        drop(journal);
        assert_eq!(left(dir.path()), ["a", "c"]);
        std::fs::write(&path, b"not a journal at all").expect("written");
        assert!(left(dir.path()).is_empty());
    }

    #[test]
    fn a_long_journal_is_rewritten_without_what_is_done() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut journal, _) = Journal::open(dir.path(), &instance()).expect("a journal");
        journal.taken(&envelope("kept"));
        let mut written = 0;
        while written < 2 * COMPACT {
            journal.taken(&envelope("passing"));
            journal.done("passing");
            written += 80;
        }
        journal.taken(&envelope("last"));
        drop(journal);
        let size = std::fs::metadata(dir.path().join("one.journal")).expect("a file").len();
        assert!(size <= COMPACT + 1_000, "{size}");
        assert_eq!(left(dir.path()), ["kept", "last"]);
    }
}
