//! All keys of a bucket, page by page.

use std::fmt;
use std::vec;

use super::{Answer, host};

/// The keys of a bucket; see [`Bucket::keys`](super::Bucket::keys). Ends after the first error.
pub struct Keys<'b> {
    bucket: &'b host::Bucket,
    page: vec::IntoIter<String>,
    next: Next,
}

/// Where the next page begins.
enum Next {
    First,
    After(String),
    Ended,
}

impl<'b> Keys<'b> {
    pub(super) fn new(bucket: &'b host::Bucket) -> Self {
        Self { bucket, page: Vec::new().into_iter(), next: Next::First }
    }
}

impl Iterator for Keys<'_> {
    type Item = Answer<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(key) = self.page.next() {
                return Some(Ok(key));
            }
            let cursor = match std::mem::replace(&mut self.next, Next::Ended) {
                Next::First => None,
                Next::After(cursor) => Some(cursor),
                Next::Ended => return None,
            };
            match self.bucket.list_keys(cursor.as_deref()) {
                Ok((keys, cursor)) => {
                    self.page = keys.into_iter();
                    self.next = cursor.map_or(Next::Ended, Next::After);
                }
                Err(refused) => return Some(Err(refused)),
            }
        }
    }
}

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}
