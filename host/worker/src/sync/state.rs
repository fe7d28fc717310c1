//! Whether the server has our functions, for health and for whoever waits for it.

use jiff::{SignedDuration, Timestamp};
use protocol::id::AppId;
use protocol::sync::Conflict;
use serde::Serialize;
use tokio::sync::watch;

/// Whether the server has our functions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SyncState {
    /// Not yet, or not those that we have now.
    Pending {
        /// How often it was tried without success.
        failures: u32,
        /// Why the last attempt failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Yes.
    Synced {
        /// Since when.
        at: Timestamp,
        /// How many functions, the retired ones too.
        functions: usize,
        /// What exactly it was told, as [`protocol::sync::SyncPayload::fingerprint`] names it.
        payload: String,
        /// Slugs that the server has for our app and we do not know: another worker registers the same app. They are
        /// told and not fought over; two workers that take functions from each other would not end.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        foreign: Vec<String>,
    },
    /// Other apps own functions of ours. Nothing new is registered until they give them up; what the server has had of
    /// us stays.
    Blocked {
        /// Since when.
        since: Timestamp,
        /// Which functions, and who owns them.
        conflicts: Vec<Conflict>,
        /// Whether people were told: a function that moves is free again in a moment.
        #[serde(skip)]
        told: bool,
    },
    /// It is left to another worker, which has taken over.
    StoodDown {
        /// Since when.
        at: Timestamp,
    },
}

/// How long a function may take to move from one app to another. The app that has it gives it up with its next
/// registration.
const MOVING: SignedDuration = SignedDuration::from_secs(5);

impl SyncState {
    /// Nothing tried so far.
    pub(crate) const BEGIN: Self = Self::Pending { failures: 0, error: None };

    /// Whether the server has exactly what this payload says; the fingerprint is the one of
    /// [`protocol::sync::SyncPayload::fingerprint`].
    pub fn has(&self, fingerprint: &str) -> bool {
        matches!(self, Self::Synced { payload, .. } if payload == fingerprint)
    }

    /// Waits until the server has our functions, or until it is known that they belong to others; none when the worker
    /// ends before that. What a program asks at its start, to end with a code of its own where it is blocked.
    pub async fn verdict(state: &mut watch::Receiver<Self>) -> Option<Self> {
        let decided = |state: &Self| !matches!(state, Self::Pending { .. });
        state.wait_for(decided).await.ok().map(|state| state.clone())
    }

    /// The state after one more attempt that failed.
    pub(crate) fn failed(&self, error: String) -> Self {
        let failures = match self {
            Self::Pending { failures, .. } => *failures,
            Self::Synced { .. } | Self::Blocked { .. } | Self::StoodDown { .. } => 0,
        };
        Self::Pending { failures: failures + 1, error: Some(error) }
    }

    /// Takes down that others own functions of ours at this time; whether that is news. What goes on for longer than a
    /// function needs to move is told to people, once.
    pub(crate) fn note_conflicts(
        &mut self,
        app: &AppId,
        conflicts: Vec<Conflict>,
        now: Timestamp,
    ) -> bool {
        let (since, told, same) = match self {
            Self::Blocked { since, conflicts: before, told } => {
                let same = *before == conflicts;
                (*since, *told && same, same)
            }
            Self::Pending { .. } | Self::Synced { .. } | Self::StoodDown { .. } => {
                (now, false, false)
            }
        };
        let lasts = now.duration_since(since) >= MOVING;
        for conflict in conflicts.iter().filter(|_| lasts && !told) {
            tracing::error!(
                %app,
                "not registered: the function {conflict}, which serves it too; unload its component in one of the two, or remove the app {} from the server if nobody runs it any more",
                conflict.app
            );
        }
        for conflict in conflicts.iter().filter(|_| !lasts && !same) {
            tracing::info!(%app, "not registered yet: the function {conflict}, which may be giving it up");
        }
        let news = !same || (lasts && !told);
        *self = Self::Blocked { since, conflicts, told: told || lasts };
        news
    }

    /// Takes down which functions of our app are not ours; whether that has changed.
    pub(crate) fn note_foreign(&mut self, app: &AppId, now: Vec<String>) -> bool {
        let Self::Synced { foreign, .. } = self else { return false };
        if *foreign == now {
            return false;
        }
        if !now.is_empty() {
            tracing::warn!(%app, foreign = ?now, "another worker registers the same app; give one of them another app id");
        }
        *foreign = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn health_shows_each_state_in_words() {
        let at: Timestamp = "2026-08-30T10:00:00Z".parse().expect("a time");
        let conflict = || Conflict {
            function: "check/health".parse().expect("an id"),
            app: "system-bus-host".parse().expect("an id"),
        };
        for (state, shown) in [
            (SyncState::BEGIN, json!({"state": "pending", "failures": 0})),
            (
                SyncState::BEGIN.failed("why".to_owned()),
                json!({"state": "pending", "failures": 1, "error": "why"}),
            ),
            (
                SyncState::Synced { at, functions: 2, payload: "abc".to_owned(), foreign: vec![] },
                json!({"state": "synced", "at": at, "functions": 2, "payload": "abc"}),
            ),
            (
                SyncState::Blocked { since: at, conflicts: vec![conflict()], told: false },
                json!({"state": "blocked", "since": at,
                    "conflicts": [{"function": "check/health", "app": "system-bus-host"}]}),
            ),
            (SyncState::StoodDown { at }, json!({"state": "stood_down", "at": at})),
        ] {
            assert_eq!(serde_json::to_value(&state).expect("JSON"), shown);
        }
    }

    #[test]
    fn the_same_conflicts_are_news_once_and_keep_their_time() {
        let app: AppId = "bus".parse().expect("an id");
        let conflict = |function: &str| Conflict {
            function: function.parse().expect("an id"),
            app: "other".parse().expect("an id"),
        };
        let began: Timestamp = "2026-08-30T10:00:00Z".parse().expect("a time");
        let mut state = SyncState::BEGIN;
        // After so many seconds: which functions, whether that is news, and whether people have been told by then.
        for (seconds, functions, news, people) in [
            (0, &["a"][..], true, false),
            (1, &["a"], false, false),
            (6, &["a"], true, true),
            (7, &["a"], false, true),
            (8, &["a", "b"], true, true),
            (9, &["a", "b"], false, true),
        ] {
            let now = began + SignedDuration::from_secs(seconds);
            let conflicts: Vec<_> = functions.iter().map(|function| conflict(function)).collect();
            assert_eq!(state.note_conflicts(&app, conflicts.clone(), now), news, "{seconds}");
            assert_eq!(
                state,
                SyncState::Blocked { since: began, conflicts, told: people },
                "{seconds}"
            );
        }
    }
}
