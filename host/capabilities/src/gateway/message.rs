//! What is told, and to whom: pure decisions. Keys, channels and members are those that the gateway's other half reads.

use jiff::Timestamp;
use protocol::id::{RunId, StepId};
use serde::Serialize;
use serde_json::Value;

use super::payload::Payload;

/// The set whose members are the sessions that listen.
pub(super) fn sessions(namespace: &str) -> String {
    format!("{namespace}:gateway:sessions")
}

/// The list of a session.
pub(super) fn list(namespace: &str, session: &str) -> String {
    format!("{namespace}:events:{session}")
}

/// The channel on which a session hears that its list has grown.
pub(super) fn channel(namespace: &str, session: &str) -> String {
    format!("{namespace}:notify:{session}")
}

/// The key that is there while the system sleeps.
pub(super) const ASLEEP: &str = "system:sleep";

/// The list of what waits until it is awake.
pub(super) const WAITING: &str = "sleep:queue";

/// The member of an event's data that names the session it came from.
const SESSION: &str = "originSession";

/// The type of an alert, and of a report of progress.
pub(super) const ALERT: &str = "alert";
pub(super) const PROGRESS: &str = "progress";

/// One thing that is told, with its members in the order of the lists.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Message {
    /// The same in every attempt of its step.
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// `inngest/` and the name of the run's event.
    pub(super) source: String,
    pub(super) payload: Payload,
    /// Milliseconds since 1970.
    pub(super) ts: i64,
}

/// What a listening session hears.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice<'m> {
    pub(super) event_id: &'m str,
    #[serde(rename = "type")]
    pub(super) kind: &'m str,
}

/// What waits until the system is awake: an outline, from which a digest is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Waiting {
    /// The type of the message.
    event: String,
    /// When it was told, as in `2026-11-23T08:00:00.000Z`.
    timestamp: String,
    /// At most [`SUMMARY`] of it.
    summary: String,
}

/// The longest summary, in UTF-16 units: so its readers count.
const SUMMARY: usize = 220;

/// Members of a payload that may be its text; the first that is one is taken.
const TEXTS: [&str; 7] = ["summary", "message", "prompt", "text", "title", "subject", "detail"];

impl Waiting {
    /// What is kept of a message that came from a session.
    pub(super) fn new(message: &Message, session: Option<&str>) -> Self {
        let Message { kind, payload, ts, .. } = message;
        let mut texts = TEXTS.iter().filter_map(|name| payload.text(name));
        let own = match texts.find(|text| !text.trim().is_empty()) {
            Some(text) => text.trim().to_owned(),
            None => whole(payload, session),
        };
        let own = shortened(&own);
        let summary = match own.as_str() {
            "" => kind.clone(),
            own => shortened(&format!("{kind}: {own}")),
        };
        let at = Timestamp::from_millisecond(*ts).unwrap_or_default();
        Self { event: kind.clone(), timestamp: format!("{at:.3}"), summary }
    }
}

/// A payload without a text, as JSON; nothing where there is nothing in it.
fn whole(payload: &Payload, session: Option<&str>) -> String {
    // The session that the run came from, whatever the payload says.
    let shown = match session {
        Some(session) => payload.clone().with_text(SESSION, session),
        None => payload.clone().without(SESSION),
    };
    if shown.is_empty() {
        return String::new();
    }
    serde_json::to_string(&shown).unwrap_or_default()
}

/// Text that is too long ends with an ellipsis, within the limit.
fn shortened(text: &str) -> String {
    if text.encode_utf16().count() <= SUMMARY {
        return text.to_owned();
    }
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units < SUMMARY
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Origin {
    /// The name of the run's event.
    pub(super) event: String,
    /// The session that sent it, where its data says so.
    pub(super) session: Option<String>,
}

impl Origin {
    /// From the run's event as JSON.
    pub(super) fn of(event: &str) -> Self {
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        let session = event.get("data").and_then(|data| data.get(SESSION)).and_then(Value::as_str);
        Self {
            event: event.get("name").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
            session: session.filter(|session| !session.is_empty()).map(str::to_owned),
        }
    }
}

/// Whether it is told at once although the system sleeps: alerts, what comes from important people, deployments that
/// failed, alerts about health, and what somebody wrote directly.
pub(super) fn wakes(kind: &str, payload: &Payload, session: Option<&str>) -> bool {
    let begins = |all: &[&str]| all.iter().any(|start| kind.starts_with(start));
    let failed = kind.contains("failed") || kind.contains("error");
    let source = payload.text("source").unwrap_or_default();
    kind == ALERT
        || begins(&["vip/", "vip.", "system/health.alert"])
        || (kind.contains("deploy") && failed)
        || begins(&["telegram/", "telegram.", "discord/", "discord."])
        || session.is_some_and(|from| from.starts_with("telegram:") || from.starts_with("discord:"))
        || source.starts_with("telegram")
        || source.starts_with("discord")
}

/// The sessions whose lists it goes to: `gateway` and where it came from, if these listen; `main` if nobody does.
pub(super) fn targets(kind: &str, origin: Option<&str>, listening: &[String]) -> Vec<String> {
    let origin = origin.filter(|_| kind != ALERT);
    let mut targets: Vec<String> = Vec::new();
    for session in ["gateway"].into_iter().chain(origin) {
        let listens = listening.iter().any(|listening| listening == session);
        if listens && !targets.iter().any(|target| target == session) {
            targets.push(session.to_owned());
        }
    }
    if targets.is_empty() {
        targets.push("main".to_owned());
    }
    targets
}

/// The id of what a step tells as its `index`-th: made of what is the same in every attempt, and in the form
/// of a random UUID (version 4), which is what readers look for.
pub(super) fn id(run: RunId, step: StepId, index: u32) -> String {
    use sha2::{Digest as _, Sha256};

    let named = format!("system-bus:push:{run}:{step}:{index}");
    let digest = Sha256::digest(named.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests;
