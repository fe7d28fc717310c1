//! Marks in Redis by which something is done once in a time.

use std::time::Duration;

use outside::{Answer, Changes, Note, Store};
use system_bus_sdk::{Io, Refused};

use crate::COMPONENT;

/// Marks a key as this run's; whether it is. A step that runs twice finds its own mark.
pub(crate) fn claim(io: &Io, key: &str, lasts: Duration, run: &str) -> Answer<bool> {
    let store = Store::of(io);
    if store.make(Changes::default().absent(key).set_for(key, run, lasts))? {
        return Ok(true);
    }
    Ok(store.get(key)?.as_deref() == Some(run))
}

/// Records that Redis was not there for something that goes on without it.
pub(crate) fn without_redis(io: &Io, what: &str, refused: &Refused) {
    Note::of(COMPONENT, "heartbeat.redis").warn().with("for", what).failed(io, refused);
}
