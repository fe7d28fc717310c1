//! All buckets in one file, which several processes of one machine may use at once.
//!
//! A write that was answered is on the disk; each is one transaction, and there is one writer at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::bucket::Bucket;
use super::failure::StoreError;
use super::values::{ANSWER, PAGE, Values};

/// How long a question waits for other writers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits before it looks again whether the file can be prepared.
const PAUSE: Duration = Duration::from_millis(5);

/// Keys are bytes here, so that they compare by them and a NUL is like any other.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS entries (
        bucket TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (bucket, key)
    );
    CREATE TABLE IF NOT EXISTS used (bucket TEXT PRIMARY KEY, bytes INTEGER NOT NULL);
";

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Embedded(Arc<File>);

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Connections that nobody uses at this moment.
    idle: Mutex<Vec<Connection>>,
}

/// The values of one bucket within a transaction, and how many bytes it has.
struct Changing<'t> {
    transaction: &'t Transaction<'t>,
    place: &'t str,
    used: u64,
}

impl Changing<'_> {
    fn get(&self, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        value(self.transaction, self.place, key)
    }

    fn put(&mut self, key: &str, value: &[u8]) -> rusqlite::Result<()> {
        self.remove(key)?;
        self.used = self.used.saturating_add(size(key.len(), value.len()));
        self.transaction
            .prepare("INSERT INTO entries (bucket, key, value) VALUES (?1, ?2, ?3)")?
            .execute(params![self.place, key.as_bytes(), value])?;
        Ok(())
    }

    fn remove(&mut self, key: &str) -> rusqlite::Result<()> {
        let old: Option<i64> = self
            .transaction
            .prepare("DELETE FROM entries WHERE bucket = ?1 AND key = ?2 RETURNING length(value)")?
            .query_row(params![self.place, key.as_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(old) = old {
            self.used =
                self.used.saturating_sub(size(key.len(), usize::try_from(old).unwrap_or(0)));
        }
        Ok(())
    }
}

fn size(key: usize, value: usize) -> u64 {
    (key + value) as u64
}

fn value(connection: &Connection, place: &str, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare("SELECT value FROM entries WHERE bucket = ?1 AND key = ?2")?
        .query_row(params![place, key.as_bytes()], |row| row.get(0))
        .optional()
}

impl Embedded {
    /// Opens the file, or makes it. Other processes may have it open.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = Self(Arc::new(File { path: path.to_owned(), idle: Mutex::default() }));
        file.with(PATIENCE, |_| Ok(()))?;
        Ok(file)
    }

    /// Does something on a connection of its own.
    fn with<T>(
        &self,
        left: Duration,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let until = Instant::now() + left.min(PATIENCE);
        let idle = || self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => connect(&self.0.path, until)?,
        };
        connection.busy_timeout(until.saturating_duration_since(Instant::now()))?;
        let answer = work(&mut connection)?;
        // One that failed is closed instead.
        idle().push(connection);
        Ok(answer)
    }

    fn get(
        &self,
        bucket: &Bucket,
        keys: &[String],
        left: Duration,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.with(left, |connection| {
            let reading = connection.transaction()?;
            let (mut values, mut bytes) = (Vec::with_capacity(keys.len()), 0);
            for key in keys {
                let value = value(&reading, &bucket.place, key)?;
                bytes += value.as_ref().map_or(0, Vec::len);
                if bytes > ANSWER && keys.len() > 1 {
                    return Err(too_much());
                }
                values.push(value);
            }
            Ok(values)
        })
    }

    fn keys(
        &self,
        bucket: &Bucket,
        after: &str,
        left: Duration,
    ) -> Result<Vec<String>, StoreError> {
        self.with(left, |connection| {
            let mut query = connection.prepare(&format!(
                "SELECT key FROM entries WHERE bucket = ?1 AND key > ?2 ORDER BY key LIMIT {PAGE}"
            ))?;
            let keys = query.query_map(params![bucket.place, after.as_bytes()], |row| {
                let key: Vec<u8> = row.get(0)?;
                Ok(String::from_utf8_lossy(&key).into_owned())
            })?;
            Ok(keys.collect::<Result<_, _>>()?)
        })
    }

    fn increment(
        &self,
        bucket: &Bucket,
        key: &str,
        by: i64,
        lowest: i64,
        left: Duration,
    ) -> Result<i64, StoreError> {
        self.change(bucket, left, |changing| {
            let old = changing.get(key)?;
            let number = old.as_deref().map_or(Some(0), number);
            let sum = number.and_then(|number| number.checked_add(by));
            let sum = sum.filter(|sum| *sum >= lowest).ok_or_else(StoreError::no_number)?;
            changing.put(key, sum.to_string().as_bytes())?;
            Ok(sum)
        })
    }

    fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        was: Option<&[u8]>,
        value: &[u8],
        left: Duration,
    ) -> Result<bool, StoreError> {
        self.change(bucket, left, |changing| {
            let same = changing.get(key)?.as_deref() == was;
            if same {
                changing.put(key, value)?;
            }
            Ok(same)
        })
    }

    /// One transaction: all of it, or nothing where it fails or the bucket grows beyond its room.
    fn change<T>(
        &self,
        bucket: &Bucket,
        left: Duration,
        change: impl FnOnce(&mut Changing<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(left, |connection| {
            // Dropped without a commit it leaves nothing behind.
            let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let before: Option<i64> = writing
                .prepare("SELECT bytes FROM used WHERE bucket = ?1")?
                .query_row([&bucket.place], |row| row.get(0))
                .optional()?;
            let before = before.map_or(0, i64::cast_unsigned);
            let mut changing =
                Changing { transaction: &writing, place: &bucket.place, used: before };
            let answer = change(&mut changing)?;
            let used = changing.used;
            if used > bucket.room && used > before {
                return Err(StoreError::Full { bytes: used, room: bucket.room });
            }
            writing
                .prepare("INSERT OR REPLACE INTO used (bucket, bytes) VALUES (?1, ?2)")?
                .execute(params![bucket.place, used.cast_signed()])?;
            writing.commit()?;
            Ok(answer)
        })
    }
}

/// A number as Redis reads one too: digits, and nothing that could be left out.
fn number(value: &[u8]) -> Option<i64> {
    let text = str::from_utf8(value).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

pub(super) fn too_much() -> StoreError {
    StoreError::Invalid(format!(
        "the values of one answer have more than {ANSWER} bytes together: ask for fewer keys at once"
    ))
}

/// A connection, once no other process prepares the file at this moment.
fn connect(path: &Path, until: Instant) -> Result<Connection, StoreError> {
    loop {
        match prepare(path, until) {
            // Changing the file's mode does not wait by itself.
            Err(StoreError::Busy) if Instant::now() + PAUSE < until => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
}

fn prepare(path: &Path, until: Instant) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(until.saturating_duration_since(Instant::now()))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // Each commit waits for the disk.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch(TABLES)?;
    Ok(connection)
}

/// Reading and writing waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or_else(|ended| {
        Err(StoreError::Invalid(format!("the work on the file of values ended early: {ended}")))
    })
}

#[async_trait]
impl Values for Embedded {
    async fn get(
        &self,
        bucket: &Bucket,
        keys: Vec<String>,
        left: Duration,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let (own, bucket) = (self.clone(), bucket.clone());
        blocking(move || own.get(&bucket, &keys, left)).await
    }

    async fn keys(
        &self,
        bucket: &Bucket,
        after: String,
        left: Duration,
    ) -> Result<Vec<String>, StoreError> {
        let (own, bucket) = (self.clone(), bucket.clone());
        blocking(move || own.keys(&bucket, &after, left)).await
    }

    async fn set(
        &self,
        bucket: &Bucket,
        all: Vec<(String, Vec<u8>)>,
        left: Duration,
    ) -> Result<(), StoreError> {
        let (own, bucket) = (self.clone(), bucket.clone());
        let put = move |changing: &mut Changing<'_>| {
            Ok(all.iter().try_for_each(|(key, value)| changing.put(key, value))?)
        };
        blocking(move || own.change(&bucket, left, put)).await
    }

    async fn delete(
        &self,
        bucket: &Bucket,
        keys: Vec<String>,
        left: Duration,
    ) -> Result<(), StoreError> {
        let (own, bucket) = (self.clone(), bucket.clone());
        let remove = move |changing: &mut Changing<'_>| {
            Ok(keys.iter().try_for_each(|key| changing.remove(key))?)
        };
        blocking(move || own.change(&bucket, left, remove)).await
    }

    async fn increment(
        &self,
        bucket: &Bucket,
        key: String,
        by: i64,
        lowest: i64,
        left: Duration,
    ) -> Result<i64, StoreError> {
        let (own, bucket) = (self.clone(), bucket.clone());
        blocking(move || own.increment(&bucket, &key, by, lowest, left)).await
    }

    async fn swap(
        &self,
        bucket: &Bucket,
        key: String,
        was: Option<Vec<u8>>,
        value: Vec<u8>,
        left: Duration,
    ) -> Result<bool, StoreError> {
        let (own, bucket) = (self.clone(), bucket.clone());
        blocking(move || own.swap(&bucket, &key, was.as_deref(), &value, left)).await
    }
}

#[cfg(test)]
mod tests;
