//! Where records are kept: one redb file, or memory.

mod backend;

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::value::RawValue;

use crate::error::EngineError;
use crate::machine::Record;
use crate::machine::record::Table;
use crate::options::Data;

/// The file within the data directory.
const FILE: &str = "engine.redb";
/// The format this build writes and reads.
const FORMAT: u64 = 3;
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";

/// The open store.
pub(crate) struct Store {
    database: Database,
    path: PathBuf,
}

impl Store {
    /// Opens or makes the store and reads everything in it.
    pub(crate) fn open(data: &Data) -> Result<(Self, Vec<Record>), EngineError> {
        let (database, path) = match data {
            Data::Memory => {
                let backend = redb::backends::InMemoryBackend::new();
                let path = PathBuf::from("the engine's memory");
                let database = Builder::new()
                    .create_with_backend(backend)
                    .map_err(|error| EngineError::Write(error.to_string()))?;
                (database, path)
            }
            Data::Dir(directory) => {
                fs::create_dir_all(directory)
                    .map_err(|reason| EngineError::Directory { path: directory.clone(), reason })?;
                let path = directory.join(FILE);
                (open_file(&path)?, path)
            }
        };
        let store = Self { database, path };
        store.check_format()?;
        let records = store.read().map_err(|error| store.corrupt(&error))?;
        Ok((store, records))
    }

    /// That the file cannot be read, and why.
    pub(crate) fn corrupt(&self, reason: &dyn std::fmt::Display) -> EngineError {
        EngineError::Corrupt { path: self.path.clone(), reason: reason.to_string() }
    }

    /// Stores records, all or none. When it returns, they outlive this process.
    pub(crate) fn commit(&self, records: &[Record]) -> Result<(), EngineError> {
        self.write(records).map_err(|error| EngineError::Write(error.to_string()))
    }

    /// A stored memo.
    pub(crate) fn memo(&self, key: &str) -> Result<Option<Box<RawValue>>, EngineError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let transaction = self.database.begin_read()?;
            let table = transaction.open_table(definition(Table::Memos))?;
            Ok(table.get(key)?.map(|value| value.value().to_vec()))
        };
        let bytes = read().map_err(|error| self.corrupt(&error))?;
        let memo = bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        memo.map_err(|error| self.corrupt(&format!("the memo {key}: {error}")))
    }

    fn check_format(&self) -> Result<(), EngineError> {
        let found = self.format().map_err(|error| self.corrupt(&error))?;
        if found > FORMAT {
            let path = self.path.clone();
            return Err(EngineError::Newer { path, found, known: FORMAT });
        }
        Ok(())
    }

    /// The format of the file as it was found. A new or an older file gets this build's, which reads both.
    fn format(&self) -> Result<u64, redb::Error> {
        let transaction = self.database.begin_write()?;
        let found = {
            let mut meta = transaction.open_table(META)?;
            let found = meta.get(FORMAT_KEY)?.map(|value| value.value());
            if found.is_none_or(|found| found < FORMAT) {
                meta.insert(FORMAT_KEY, FORMAT)?;
            }
            for table in Table::ALL {
                transaction.open_table(definition(table))?;
            }
            found
        };
        transaction.commit()?;
        Ok(found.unwrap_or(FORMAT))
    }

    fn read(&self) -> Result<Vec<Record>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let mut records = Vec::new();
        for table in Table::ALL {
            for entry in transaction.open_table(definition(table))?.iter()? {
                let (key, value) = entry?;
                let (key, value) = (key.value().to_owned(), value.value().to_vec());
                records.push(Record::put(table, key, value));
            }
        }
        Ok(records)
    }

    fn write(&self, records: &[Record]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        for table in Table::ALL {
            let mut changes = records.iter().filter(|record| record.table == table).peekable();
            if changes.peek().is_none() {
                continue;
            }
            let mut open = transaction.open_table(definition(table))?;
            for Record { key, value, .. } in changes {
                match value {
                    Some(value) => open.insert(key.as_str(), value.as_slice())?,
                    None => open.remove(key.as_str())?,
                };
            }
        }
        Ok(transaction.commit()?)
    }
}

fn definition(table: Table) -> TableDefinition<'static, &'static str, &'static [u8]> {
    TableDefinition::new(match table {
        Table::Apps => "apps",
        Table::Events => "events",
        Table::Runs => "runs",
        Table::Memos => "memos",
        Table::Batches => "batches",
        Table::Seen => "seen",
        Table::Debounces => "debounces",
        Table::Meters => "meters",
        Table::Spans => "spans",
    })
}

fn open_file(path: &Path) -> Result<Database, EngineError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|reason| EngineError::Directory { path: path.to_owned(), reason })?;
    let corrupt = |reason: String| EngineError::Corrupt { path: path.to_owned(), reason };
    let backend = backend::Unsynced::new(file).map_err(|error| corrupt(error.to_string()))?;
    Builder::new().create_with_backend(backend).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => EngineError::Locked { path: path.to_owned() },
        other => corrupt(other.to_string()),
    })
}
