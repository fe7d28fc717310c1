//! A bucket that a guest has opened, for one question.

use std::sync::Arc;
use std::time::Duration;

use super::bucket::{Bucket, check_key};
use super::failure::StoreError;
use super::values::{PAGE, Values};
use super::words::{NamedPage, NumberedPage};

/// How many keys one question may name.
const MOST_KEYS: usize = 1000;

/// The bucket, its store, and the time there is.
pub(super) struct Open {
    pub(super) store: Arc<dyn Values>,
    pub(super) bucket: Bucket,
    pub(super) left: Duration,
}

impl Open {
    pub(super) async fn get(self, key: String) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get_many(vec![key]).await?.pop().and_then(|(_, value)| value))
    }

    pub(super) async fn get_many(
        self,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, StoreError> {
        check(keys.iter())?;
        let values = self.store.get(&self.bucket, keys.clone(), self.left).await?;
        Ok(keys.into_iter().zip(values).collect())
    }

    pub(super) async fn set_many(self, all: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        check(all.iter().map(|(key, _)| key))?;
        self.store.set(&self.bucket, all, self.left).await
    }

    pub(super) async fn delete_many(self, keys: Vec<String>) -> Result<(), StoreError> {
        check(keys.iter())?;
        self.store.delete(&self.bucket, keys, self.left).await
    }

    pub(super) async fn increment(
        self,
        key: String,
        by: i64,
        lowest: i64,
    ) -> Result<i64, StoreError> {
        check([&key].into_iter())?;
        self.store.increment(&self.bucket, key, by, lowest, self.left).await
    }

    pub(super) async fn swap(
        &self,
        key: String,
        was: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<bool, StoreError> {
        check([&key].into_iter())?;
        self.store.swap(&self.bucket, key, was, value, self.left).await
    }

    /// In 0.2.0-draft2 a cursor is the last key of the page before: keys that come and go shift nothing.
    pub(super) async fn named(self, after: Option<String>) -> Result<NamedPage, StoreError> {
        let after = after.unwrap_or_default();
        let keys = self.store.keys(&self.bucket, after, self.left).await?;
        let cursor = if keys.len() == PAGE { keys.last().cloned() } else { None };
        Ok(NamedPage { keys, cursor })
    }

    /// In 0.2.0-draft a cursor is how many keys came before.
    pub(super) async fn numbered(self, cursor: Option<u64>) -> Result<NumberedPage, StoreError> {
        let wanted = cursor.unwrap_or(0);
        let (mut after, mut passed) = (String::new(), 0);
        loop {
            let keys = self.store.keys(&self.bucket, after, self.left).await?;
            let more = keys.len() == PAGE;
            passed += keys.len() as u64;
            if passed > wanted || !more {
                let skipped = keys.len()
                    - usize::try_from(passed.saturating_sub(wanted)).unwrap_or(0).min(keys.len());
                let keys: Vec<_> = keys.into_iter().skip(skipped).collect();
                return Ok(NumberedPage { keys, cursor: more.then_some(passed) });
            }
            after = keys.last().cloned().unwrap_or_default();
        }
    }
}

fn check<'k>(keys: impl ExactSizeIterator<Item = &'k String>) -> Result<(), StoreError> {
    if keys.len() > MOST_KEYS {
        let message = format!(
            "{} keys in one question are too many: ask for at most {MOST_KEYS} at once",
            keys.len()
        );
        return Err(StoreError::Invalid(message));
    }
    keys.into_iter().try_for_each(|key| check_key(key).map_err(StoreError::Invalid))
}
