//! Doing something at most once in a time.

use outside::{Changes, Store, digest};
use system_bus_sdk::prelude::*;

/// Whether something may be done now.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Whether it may.
    pub open: bool,
    /// An id for what is done, by which the server drops it where it has been done.
    pub id: String,
    /// Why it was not asked of Redis, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_redis: Option<String>,
}

/// Lets one through in each span. The time counts from here, before anything is done: what fails is
/// not tried again and again. A step that runs twice finds its own mark.
///
/// Without Redis the gate is open, and what is done has the same id for the whole span.
pub(crate) fn pass(store: Store<'_>, key: &str, span: Duration, run: &str, now: Timestamp) -> Gate {
    let own = || digest(&format!("{key}:{run}"));
    match mark(store, key, span, run) {
        Ok(open) => Gate { open, id: own(), without_redis: None },
        Err(refused) => {
            let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1);
            let window = now.as_millisecond() / span;
            let id = digest(&format!("{key}:window:{window}"));
            Gate { open: true, id, without_redis: Some(refused.to_string()) }
        }
    }
}

fn mark(store: Store<'_>, key: &str, span: Duration, run: &str) -> outside::Answer<bool> {
    if store.make(Changes::default().absent(key).set_for(key, run, span))? {
        return Ok(true);
    }
    Ok(store.get(key)?.as_deref() == Some(run))
}
