//! What a store of values can do. The guest's side is the same for each of them.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::bucket::Bucket;
use super::failure::StoreError;

/// How many keys one answer lists.
pub(super) const PAGE: usize = 1000;
/// The most bytes that the values of one answer may have together.
pub(super) const ANSWER: usize = 16 << 20;

/// Where values are kept. Keys and the sizes of questions are checked before they come here.
///
/// `left` is how long the call has: nothing waits longer. What was answered is kept, as far as the store promises it; each
/// change is done whole or not at all, among all processes that use the store.
#[async_trait]
pub(super) trait Values: Debug + Send + Sync {
    /// The values of these keys, in their order.
    async fn get(
        &self,
        bucket: &Bucket,
        keys: Vec<String>,
        left: Duration,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// At most [`PAGE`] of the keys after this one, in the order of their bytes.
    async fn keys(
        &self,
        bucket: &Bucket,
        after: String,
        left: Duration,
    ) -> Result<Vec<String>, StoreError>;

    /// Sets all of these, or none.
    async fn set(
        &self,
        bucket: &Bucket,
        all: Vec<(String, Vec<u8>)>,
        left: Duration,
    ) -> Result<(), StoreError>;

    /// Deletes all of these. What is not there is deleted already.
    async fn delete(
        &self,
        bucket: &Bucket,
        keys: Vec<String>,
        left: Duration,
    ) -> Result<(), StoreError>;

    /// Adds to a number, which is written in decimal digits; what is not there is 0. Refuses a sum below `lowest`.
    async fn increment(
        &self,
        bucket: &Bucket,
        key: String,
        by: i64,
        lowest: i64,
        left: Duration,
    ) -> Result<i64, StoreError>;

    /// Sets a value if it still is what it was; says whether.
    async fn swap(
        &self,
        bucket: &Bucket,
        key: String,
        was: Option<Vec<u8>>,
        value: Vec<u8>,
        left: Duration,
    ) -> Result<bool, StoreError>;
}
