//! The file: what waits, and the ids of what was accepted lately.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition,
};

use super::{Entry, Kept, Level, SpoolError, SpoolOptions, Waiting};

/// Number → when it was written, and the entry.
const WAITING: TableDefinition<'_, u64, (i64, &[u8])> = TableDefinition::new("waiting");
/// The hash of an id → its place in `ORDER`.
const KNOWN: TableDefinition<'_, &[u8; 16], u64> = TableDefinition::new("known");
/// Place → the hash of an id, and when it was accepted.
const ORDER: TableDefinition<'_, u64, (&[u8; 16], i64)> = TableDefinition::new("order");
/// The format, the next number, and what ids begin with.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT: u64 = 1;

/// The open file.
pub(super) struct Store {
    database: Database,
    pub(super) level: Level,
    pub(super) seed: [u8; 6],
    ids: u64,
    remembered: Duration,
}

/// What is to be done.
pub(super) enum Change<'c> {
    Put { entries: &'c [Entry], again: bool },
    Remove { from: u64, to: u64 },
}

impl Store {
    pub(super) fn open(options: &SpoolOptions) -> Result<Self, SpoolError> {
        let path = options.folder.join("spool.redb");
        let fault = |reason: String| SpoolError::Open { path: path.clone(), reason };
        fs::create_dir_all(&options.folder).map_err(|error| fault(error.to_string()))?;
        let database = open_file(&path).map_err(fault)?;
        let mut store = Self {
            database,
            level: Level::default(),
            seed: [0; 6],
            ids: options.ids,
            remembered: options.remembered,
        };
        store.prepare().map_err(|error| fault(error.to_string()))?;
        Ok(store)
    }

    fn prepare(&mut self) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            let format = meta.get("format")?.map_or(FORMAT, |value| value.value());
            if format > FORMAT {
                return Err(redb::Error::Corrupted(format!(
                    "it is of format {format}, and this program knows {FORMAT}; use a newer one"
                )));
            }
            meta.insert("format", FORMAT)?;
            let seed = meta.get("seed")?.map(|value| value.value());
            let seed = match seed {
                Some(seed) => seed,
                None => getrandom::u64()
                    .map_err(|error| redb::Error::Io(std::io::Error::other(error.to_string())))?,
            };
            meta.insert("seed", seed)?;
            self.seed.copy_from_slice(&seed.to_be_bytes()[2..]);
            transaction.open_table(KNOWN)?;
            transaction.open_table(ORDER)?;
            for entry in transaction.open_table(WAITING)?.iter()? {
                let (_, value) = entry?;
                let (_, bytes) = value.value();
                self.level.entries.fetch_add(1, Ordering::Relaxed);
                self.level.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
        }
        Ok(transaction.commit()?)
    }

    /// Does all of it or nothing, and answers what became of each delivery. It is on disk when this returns.
    pub(super) fn commit(&self, changes: &[Change<'_>]) -> Result<Vec<Kept>, redb::Error> {
        let written = Timestamp::now().as_millisecond();
        let (mut entries, mut bytes) = (0_i64, 0_i64);
        let mut kept = Vec::new();
        let transaction = self.database.begin_write()?;
        {
            let mut waiting = transaction.open_table(WAITING)?;
            let mut known = transaction.open_table(KNOWN)?;
            let mut order = transaction.open_table(ORDER)?;
            let mut meta = transaction.open_table(META)?;
            let mut next = meta.get("next")?.map_or(0, |value| value.value());
            for change in changes {
                match change {
                    Change::Remove { from, to } => {
                        for removed in waiting.extract_from_if(*from..=*to, |_, _| true)? {
                            let (_, value) = removed?;
                            entries -= 1;
                            bytes -= length(value.value().1);
                        }
                    }
                    Change::Put { entries: put, again } => {
                        let mut any = false;
                        for entry in *put {
                            let hash = hash(entry);
                            if known.get(&hash)?.is_some() && !again {
                                continue;
                            }
                            any = true;
                            let value = serde_json::to_vec(entry).expect("an entry is JSON");
                            waiting.insert(next, (written, value.as_slice()))?;
                            if let Some(before) = known.insert(&hash, next)? {
                                order.remove(before.value())?;
                            }
                            order.insert(next, (&hash, written))?;
                            next += 1;
                            entries += 1;
                            bytes += length(&value);
                        }
                        kept.push(if any { Kept::New } else { Kept::Repeat });
                    }
                }
            }
            meta.insert("next", next)?;
            let oldest = written - i64::try_from(self.remembered.as_millis()).unwrap_or(i64::MAX);
            // A few more than can have come, so that what is too much goes in time.
            for _ in 0..changes.len() + 16 {
                let first = order.first()?.map(|(place, value)| {
                    let (id, at) = value.value();
                    (place.value(), *id, at)
                });
                let Some((place, id, at)) = first else { break };
                if at >= oldest && order.len()? <= self.ids {
                    break;
                }
                known.remove(&id)?;
                order.remove(place)?;
            }
        }
        transaction.commit()?;
        self.level.entries.fetch_add(entries.cast_unsigned(), Ordering::Relaxed);
        self.level.bytes.fetch_add(bytes.cast_unsigned(), Ordering::Relaxed);
        Ok(kept)
    }

    /// What waits longest.
    pub(super) fn first(&self, most: usize, bytes: usize) -> Result<Vec<Waiting>, SpoolError> {
        let read = || -> Result<Vec<(u64, i64, Vec<u8>)>, redb::Error> {
            let transaction = self.database.begin_read()?;
            let table = transaction.open_table(WAITING)?;
            let (mut found, mut size) = (Vec::new(), 0);
            for entry in table.iter()? {
                let (number, value) = entry?;
                let (written, value) = value.value();
                size += value.len();
                if found.len() == most || (size > bytes && !found.is_empty()) {
                    break;
                }
                found.push((number.value(), written, value.to_vec()));
            }
            Ok(found)
        };
        let read = read().map_err(|error| SpoolError::Write(error.to_string()))?;
        let waiting = read.into_iter().map(|(number, written, bytes)| {
            let entry = serde_json::from_slice(&bytes)
                .map_err(|error| SpoolError::Write(format!("entry {number}: {error}")))?;
            Ok(Waiting { number, written, entry })
        });
        waiting.collect()
    }
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

fn hash(entry: &Entry) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(entry.provider.as_bytes()).update(b"\n").update(entry.id.as_bytes());
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    hash
}

/// Only its owner may read what senders sent.
fn open_file(path: &Path) -> Result<Database, String> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(|error| error.to_string())?;
    let fault = |error: DatabaseError| match error {
        DatabaseError::DatabaseAlreadyOpen => {
            "another process has it open; each gateway needs a folder of its own".to_owned()
        }
        error => error.to_string(),
    };
    let backend = FileBackend::new(file).map_err(fault)?;
    Builder::new().create_with_backend(backend).map_err(fault)
}
