//! What is told, and to whom: pure decisions. Keys, channels and members are those that the gateway's other half reads.

use protocol::id::{RunId, StepId};
use serde::Serialize;
use serde_json::{Map, Value};

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

/// The type of an alert, and of a report of progress.
pub(super) const ALERT: &str = "alert";
pub(super) const PROGRESS: &str = "progress";

/// One thing that is told, with its members in the order of the lists.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Message {
    /// The same in every attempt of its step.
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// `inngest/` and the name of the run's event.
    pub(super) source: String,
    pub(super) payload: Map<String, Value>,
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

/// What waits until the system is awake.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Waiting<'m> {
    pub(super) event: &'m Message,
    pub(super) timestamp: i64,
    pub(super) summary: String,
}

/// The longest summary, in characters.
const SUMMARY: usize = 220;

impl Message {
    /// What people read of it while it waits: its type, and its text where it has one.
    pub(super) fn summary(&self) -> String {
        let text = ["message", "prompt", "summary", "text"].into_iter();
        let mut texts = text.filter_map(|name| self.payload.get(name).and_then(Value::as_str));
        let whole = match texts.next() {
            Some(text) => format!("{}: {text}", self.kind),
            None => self.kind.clone(),
        };
        whole.chars().take(SUMMARY).collect()
    }
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
        let session = event.pointer("/data/originSession").and_then(Value::as_str);
        Self {
            event: event.get("name").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
            session: session.filter(|session| !session.is_empty()).map(str::to_owned),
        }
    }
}

/// Whether it is told at once although the system sleeps.
pub(super) fn wakes(kind: &str, source: &str, origin: Option<&str>) -> bool {
    let kind = kind.to_ascii_lowercase();
    let direct = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("telegram") || text.contains("discord")
    };
    let failed = ["error", "fail"].iter().any(|word| kind.contains(word));
    kind == ALERT
        || kind == "system/health.alert"
        || kind.starts_with("vip/")
        || (kind.contains("deploy") && failed)
        || direct(&kind)
        || direct(source)
        || origin.is_some_and(direct)
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

/// The id of what a step tells as its `index`-th: a UUID of version 8, made of what is the same in every attempt.
pub(super) fn id(run: RunId, step: StepId, index: u32) -> String {
    use sha2::{Digest as _, Sha256};

    let named = format!("system-bus:push:{run}:{step}:{index}");
    let digest = Sha256::digest(named.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests;
