//! What is wrong and since when, as it is remembered from one check to the next.

use std::collections::BTreeSet;

use outside::digest;
use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::Timestamp;

/// Where it is kept.
pub(crate) const KEY: &str = "health:system-health:transition-latch:v1";
const SCHEMA: &str = "system-health-latch.v1";

/// What is remembered.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Latch {
    /// The form of this.
    pub(crate) schema: String,
    /// What is wrong; empty where all is well.
    pub(crate) subjects: BTreeSet<String>,
    /// The trouble, for as long as it lasts.
    pub(crate) incident: Option<String>,
    /// When it began.
    pub(crate) opened_at: Option<Timestamp>,
    /// When it was last looked at.
    pub(crate) updated_at: Timestamp,
}

/// How what is wrong has changed.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All is well, as before.
    Steady,
    /// All was well, and something is wrong.
    Opened,
    /// Something else is wrong than before.
    Changed,
    /// Less is wrong than before.
    Improved,
    /// The same is wrong as before.
    Repeated,
    /// All is well again.
    Resolved,
}

/// What has changed.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// How.
    pub kind: Kind,
    /// What was wrong.
    pub before: BTreeSet<String>,
    /// What is.
    pub subjects: BTreeSet<String>,
    /// The trouble; none where all is and was well.
    pub incident: Option<String>,
    /// When it began.
    pub opened_at: Option<Timestamp>,
}

impl Kind {
    /// Whether people are told.
    pub fn is_news(self) -> bool {
        matches!(self, Self::Opened | Self::Changed | Self::Resolved)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Opened => "opened",
            Self::Changed => "changed",
            Self::Improved => "improved",
            Self::Repeated => "repeated",
            Self::Resolved => "resolved",
        }
    }
}

impl Latch {
    pub(crate) fn clear(now: Timestamp) -> Self {
        let (subjects, schema) = (BTreeSet::new(), SCHEMA.to_owned());
        Self { schema, subjects, incident: None, opened_at: None, updated_at: now }
    }

    /// What was remembered. What is not of this form counts as nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|latch: &Self| latch.schema == SCHEMA)
    }

    /// What is to be remembered after a look, and what has changed. What was not looked at stays as it was.
    pub(crate) fn after(
        &self,
        looked_at: &BTreeSet<String>,
        wrong: &BTreeSet<String>,
        run: &str,
        now: Timestamp,
    ) -> (Self, Transition) {
        let unseen = self.subjects.difference(looked_at);
        let subjects: BTreeSet<String> = unseen.chain(wrong).cloned().collect();
        let before = self.subjects.clone();
        let kind = match (before.is_empty(), subjects.is_empty()) {
            (true, true) => Kind::Steady,
            (true, false) => Kind::Opened,
            (false, true) => Kind::Resolved,
            (false, false) if before == subjects => Kind::Repeated,
            (false, false) if subjects.is_subset(&before) => Kind::Improved,
            (false, false) => Kind::Changed,
        };
        let (incident, opened_at) = match kind {
            Kind::Opened => (Some(digest(run)), Some(now)),
            _ => (self.incident.clone(), self.opened_at),
        };
        let transition = Transition {
            kind,
            before,
            subjects: subjects.clone(),
            incident: incident.clone(),
            opened_at,
        };
        let next = if subjects.is_empty() {
            Self::clear(now)
        } else {
            Self { schema: SCHEMA.to_owned(), subjects, incident, opened_at, updated_at: now }
        };
        (next, transition)
    }
}
