//! What Redis holds: who is at work on a session, and what was observed of a day.

use outside::{Changes, Store};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::report::Counts;
use crate::session::Session;

/// How long a session that was sent again is not looked at again.
const LOCK: Duration = Duration::from_hours(1);
/// How long the observations of a day are kept.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// What became of the lock.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", tag = "claim")]
pub enum Claim {
    /// This run has it.
    Held,
    /// Another run has it, or had it and was good.
    Taken,
    /// Nobody can say. The run goes on: what it does may be done twice.
    #[serde(rename_all = "camelCase")]
    Unknown {
        /// Why.
        error: String,
    },
}

/// What became of the state of the day.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Updated {
    /// Whether Redis holds it.
    pub updated: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

fn lock(dedupe_key: &str) -> String {
    format!("memory:observe:lock:{dedupe_key}")
}

/// Takes the lock in the name of the run, so that a step that runs twice finds its own, and a run that fails can give
/// back what is its own.
pub(crate) fn claim(io: &Io, dedupe_key: &str, run: &str) -> Claim {
    let (store, key) = (Store::of(io), lock(dedupe_key));
    let taken = store.make(Changes::default().absent(&key).set_for(&key, run, LOCK));
    let held = taken.and_then(|made| Ok(made || store.get(&key)?.as_deref() == Some(run)));
    match held {
        Ok(true) => Claim::Held,
        Ok(false) => Claim::Taken,
        Err(refused) => Claim::Unknown { error: refused.to_string() },
    }
}

/// Gives the lock back, if this run has it. Whether it had.
pub(crate) fn release(io: &Io, dedupe_key: &str, run: &str) -> Result<bool> {
    let key = lock(dedupe_key);
    Ok(Store::of(io).make(Changes::default().unchanged(&key, run).delete(&key))?)
}

/// Keeps what was observed: the latest one of the day, and the list of all of them. All of it or nothing, and once for
/// each part of a session, however often it is sent. What Redis refuses fails nothing: the documents are stored.
pub(crate) fn update(io: &Io, session: &Session, summary: &str, counts: &Counts) -> Updated {
    let date = session.date();
    let held = json!({
        "summary": summary,
        "metadata": {
            "session_id": session.session_id,
            "dedupe_key": session.dedupe_key,
            "trigger": session.trigger,
            "observation_count": counts.observations,
            "reflectable_count": counts.allow_count,
            "message_count": session.message_count,
            "captured_at": session.captured_at,
            "date": date,
            "typesense": {
                "stored": true,
                "count": counts.stored_count,
                "errors": counts.errors,
                "merged_count": counts.merged_count,
                "allow_count": counts.allow_count,
                "hold_count": counts.hold_count,
                "discard_count": counts.discard_count,
                "fallback_count": counts.fallback_count,
            },
        },
    })
    .to_string();
    let listed = format!("memory:observe:listed:{}", session.dedupe_key);
    let list = format!("memory:observations:{date}");
    let changes = Changes::default()
        .absent(&listed)
        .set_for(&listed, "1", KEPT)
        .set(format!("memory:latest:{date}"), &held)
        .push_right(&list, &held)
        .expire(&list, KEPT);
    match Store::of(io).make(changes) {
        // Where it is listed already, it is there.
        Ok(_) => Updated { updated: true, error: None },
        Err(refused) => Updated { updated: false, error: Some(refused.to_string()) },
    }
}
