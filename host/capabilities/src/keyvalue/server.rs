//! All buckets in the operator's Redis, where workers of several machines share them.
//!
//! A bucket is a hash of its values, a sorted set of its keys (with one score, so that the order is that of their bytes and a
//! page can begin behind any key) and a count of its bytes. The three change together, in a script of this crate.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::{FromRedisValue, Script, ScriptInvocation};

use super::bucket::Bucket;
use super::embedded::too_much;
use super::failure::StoreError;
use super::values::{ANSWER, PAGE, Values};
use crate::redis::{Failed, Shared};

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    shared: Arc<Shared>,
    change: Script,
    read: Script,
}

/// The keys of a bucket on the server. No component reaches them by the capability `redis`: the prefix that one has by
/// itself never begins with a `%` that a `v`, `n` or `b` follows. The braces keep the three together in a cluster.
struct Place {
    values: String,
    names: String,
    bytes: String,
}

impl Place {
    fn of(bucket: &Bucket) -> Self {
        let place = &bucket.place;
        Self {
            values: format!("%values:{{{place}}}"),
            names: format!("%names:{{{place}}}"),
            bytes: format!("%bytes:{{{place}}}"),
        }
    }
}

impl Server {
    /// Buckets on this server; connects to nothing.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            change: Script::new(include_str!("change.lua")),
            read: Script::new(include_str!("read.lua")),
        }
    }

    async fn run<T: FromRedisValue>(
        &self,
        bucket: &Bucket,
        invocation: &ScriptInvocation<'_>,
        left: Duration,
    ) -> Result<T, StoreError> {
        let asked = self.shared.ask(left, |mut connection| async move {
            invocation.invoke_async(&mut connection).await
        });
        asked.await.map_err(|failed| problem(bucket, &failed))
    }

    /// A change with its arguments still to come.
    fn changing(&self, bucket: &Bucket, what: &str) -> ScriptInvocation<'_> {
        let place = Place::of(bucket);
        let mut invocation = self.change.key(place.values);
        invocation.key(place.names).key(place.bytes).arg(bucket.room).arg(what);
        invocation
    }
}

fn problem(bucket: &Bucket, failed: &Failed) -> StoreError {
    if let Failed::Error(error, _) = failed {
        match error.code() {
            Some("KEYVALUEFULL") => {
                let bytes =
                    error.detail().and_then(|detail| detail.split(' ').next()?.parse().ok());
                return StoreError::Full { bytes: bytes.unwrap_or(u64::MAX), room: bucket.room };
            }
            Some("KEYVALUENUMBER") => return StoreError::no_number(),
            Some("KEYVALUELARGE") => return too_much(),
            _ => {}
        }
    }
    StoreError::Server(failed.refusal())
}

#[async_trait]
impl Values for Server {
    async fn get(
        &self,
        bucket: &Bucket,
        keys: Vec<String>,
        left: Duration,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut invocation = self.read.key(Place::of(bucket).values);
        invocation.arg(ANSWER).arg(keys);
        self.run(bucket, &invocation, left).await
    }

    async fn keys(
        &self,
        bucket: &Bucket,
        after: String,
        left: Duration,
    ) -> Result<Vec<String>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYLEX");
        command.arg(Place::of(bucket).names).arg(format!("({after}")).arg("+");
        command.arg("LIMIT").arg(0).arg(PAGE);
        let command = &command;
        let asked = self
            .shared
            .ask(left, |mut connection| async move { command.query_async(&mut connection).await });
        asked.await.map_err(|failed| problem(bucket, &failed))
    }

    async fn set(
        &self,
        bucket: &Bucket,
        all: Vec<(String, Vec<u8>)>,
        left: Duration,
    ) -> Result<(), StoreError> {
        let mut invocation = self.changing(bucket, "set");
        for (key, value) in all {
            invocation.arg(key).arg(value);
        }
        self.run::<i64>(bucket, &invocation, left).await.map(drop)
    }

    async fn delete(
        &self,
        bucket: &Bucket,
        keys: Vec<String>,
        left: Duration,
    ) -> Result<(), StoreError> {
        let mut invocation = self.changing(bucket, "delete");
        invocation.arg(keys);
        self.run::<i64>(bucket, &invocation, left).await.map(drop)
    }

    async fn increment(
        &self,
        bucket: &Bucket,
        key: String,
        by: i64,
        lowest: i64,
        left: Duration,
    ) -> Result<i64, StoreError> {
        let mut invocation = self.changing(bucket, "add");
        invocation.arg(key).arg(by).arg(lowest);
        self.run(bucket, &invocation, left).await
    }

    async fn swap(
        &self,
        bucket: &Bucket,
        key: String,
        was: Option<Vec<u8>>,
        value: Vec<u8>,
        left: Duration,
    ) -> Result<bool, StoreError> {
        let mut invocation = self.changing(bucket, "swap");
        invocation.arg(i32::from(was.is_some())).arg(was.unwrap_or_default()).arg(key).arg(value);
        self.run(bucket, &invocation, left).await
    }
}
