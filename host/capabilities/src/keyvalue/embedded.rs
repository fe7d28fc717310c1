//! All buckets in one file. A write that was answered is on the disk; each is one transaction, and there is one writer.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};

use super::bucket::{Bucket, check_key};

/// Bucket and key → value.
const VALUES: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("values");
/// Bucket → the bytes of its keys and values.
const USED: TableDefinition<'_, &str, u64> = TableDefinition::new("used");
/// How many keys one answer lists.
pub(super) const PAGE: usize = 1000;

/// The file.
#[derive(Debug)]
pub(super) struct Embedded(Database);

/// A key that was asked for, and its value if there is one.
type Found = (String, Option<Vec<u8>>);

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// The question cannot be answered.
    #[error("{0}")]
    Invalid(String),
    /// The bucket is full.
    #[error(
        "the bucket would have {bytes} bytes and may have {room}: delete something, or grant more \
         with `bytes` of its component's `keyvalue`"
    )]
    Full { bytes: u64, room: u64 },
    /// The file failed.
    #[error("the file of values failed: {0}")]
    File(Box<redb::Error>),
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::File(Box::new(error.into()))
    }
}

/// The values of one bucket within a transaction, and how many bytes it has.
struct Open<'t, 'b> {
    values: Table<'t, (&'static str, &'static str), &'static [u8]>,
    bucket: &'b Bucket,
    used: u64,
}

impl Open<'_, '_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.values.get((&*self.bucket.place, key))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        check_key(key).map_err(StoreError::Invalid)?;
        self.remove(key)?;
        self.used = self.used.saturating_add(size(key, value));
        self.values.insert((&*self.bucket.place, key), value)?;
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Result<(), StoreError> {
        if let Some(old) = self.values.remove((&*self.bucket.place, key))? {
            self.used = self.used.saturating_sub(size(key, old.value()));
        }
        Ok(())
    }
}

fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

impl Embedded {
    /// Opens the file, or makes it and the folder that it is in: at the first start the worker's own is not there yet.
    /// Fails where another process has it open.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(redb::StorageError::Io)?;
        }
        let database = Database::create(path)?;
        // Reading needs the tables.
        let making = database.begin_write()?;
        making.open_table(VALUES)?;
        making.open_table(USED)?;
        making.commit()?;
        Ok(Self(database))
    }

    pub(super) fn get_many(
        &self,
        bucket: &Bucket,
        keys: Vec<String>,
    ) -> Result<Vec<Found>, StoreError> {
        let values = self.0.begin_read()?.open_table(VALUES)?;
        let get = |key: String| {
            let value = values.get((&*bucket.place, &*key))?.map(|value| value.value().to_vec());
            Ok((key, value))
        };
        keys.into_iter().map(get).collect()
    }

    pub(super) fn get(&self, bucket: &Bucket, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let values = self.0.begin_read()?.open_table(VALUES)?;
        Ok(values.get((&*bucket.place, key))?.map(|value| value.value().to_vec()))
    }

    /// A page of the keys after this one, in their order.
    pub(super) fn keys(&self, bucket: &Bucket, after: &str) -> Result<Vec<String>, StoreError> {
        let values = self.0.begin_read()?.open_table(VALUES)?;
        let mut keys = Vec::new();
        for entry in values.range((&*bucket.place, after)..)? {
            let (entry, _) = entry?;
            let (place, key) = entry.value();
            if place != bucket.place || keys.len() == PAGE {
                break;
            }
            if key != after {
                keys.push(key.to_owned());
            }
        }
        Ok(keys)
    }

    /// Sets all of these, or none.
    pub(super) fn set_many(
        &self,
        bucket: &Bucket,
        all: &[(String, Vec<u8>)],
    ) -> Result<(), StoreError> {
        self.change(bucket, |open| all.iter().try_for_each(|(key, value)| open.put(key, value)))
    }

    /// Deletes all of these, or none. What is not there is deleted already.
    pub(super) fn delete_many(&self, bucket: &Bucket, keys: &[String]) -> Result<(), StoreError> {
        self.change(bucket, |open| keys.iter().try_for_each(|key| open.remove(key)))
    }

    /// Adds to a number, which is written in decimal digits; what is not there is 0.
    pub(super) fn increment(
        &self,
        bucket: &Bucket,
        key: &str,
        delta: i128,
        range: std::ops::RangeInclusive<i128>,
    ) -> Result<i128, StoreError> {
        self.change(bucket, |open| {
            let old = open.get(key)?.unwrap_or_else(|| b"0".to_vec());
            let number = str::from_utf8(&old).ok().and_then(|text| text.parse::<i64>().ok());
            let sum = number.map(|number| i128::from(number) + delta);
            let sum = sum.filter(|sum| range.contains(sum)).ok_or_else(|| {
                let message =
                    "the value is no number in decimal digits, or leaves the range of one";
                StoreError::Invalid(message.to_owned())
            })?;
            open.put(key, sum.to_string().as_bytes())?;
            Ok(sum)
        })
    }

    /// Sets a value if it still is what it was; says whether.
    pub(super) fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        was: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, StoreError> {
        self.change(bucket, |open| {
            let same = open.get(key)?.as_deref() == was;
            if same {
                open.put(key, value)?;
            }
            Ok(same)
        })
    }

    /// One transaction: all of it, or nothing where it fails or the bucket grows beyond its room.
    fn change<T>(
        &self,
        bucket: &Bucket,
        change: impl FnOnce(&mut Open<'_, '_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Dropped without a commit it leaves nothing behind.
        let writing = self.0.begin_write()?;
        let answer = {
            let mut sizes = writing.open_table(USED)?;
            let before = sizes.get(&*bucket.place)?.map_or(0, |used| used.value());
            let values = writing.open_table(VALUES)?;
            let mut open = Open { values, bucket, used: before };
            let answer = change(&mut open)?;
            let used = open.used;
            if used > bucket.room && used > before {
                return Err(StoreError::Full { bytes: used, room: bucket.room });
            }
            sizes.insert(&*bucket.place, used)?;
            answer
        };
        writing.commit()?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
