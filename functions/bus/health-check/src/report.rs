//! What a check finds and ends with.

use std::collections::{BTreeMap, BTreeSet};

use outside::{Changes, Note, Store, Told};
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::convex::Pushed;
use crate::healing::Asked;
use crate::latch::Transition;
use crate::request::Mode;
use crate::resolve::Service;
use crate::transition::{Receipt, json};
use crate::typesense::{Signal, State};

/// When the last check was.
pub(crate) const LAST_CHECK: &str = "health:last_check";
/// What it found.
const LAST_RESULT: &str = "health:last_result";
/// How long that is kept without another one.
const LASTS: Duration = Duration::from_hours(7 * 24);

/// Whether all is well.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All that was looked at is well.
    Noop,
    /// Something is wrong.
    Degraded,
    /// Nothing could be looked at, so nothing is known.
    Unchecked,
}

/// What a check found.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The services.
    pub services: Vec<Service>,
    /// What the telemetry says.
    pub signals: Vec<Signal>,
}

/// What a check found and did.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether all is well.
    pub status: Status,
    /// How much was checked.
    pub mode: Mode,
    /// What was found.
    #[serde(flatten)]
    pub found: Found,
    /// What is wrong.
    pub degraded: BTreeSet<String>,
    /// Healing that was asked for, or would have been.
    pub healing: Vec<Asked>,
    /// What has changed; none where that is not known.
    pub transition: Option<Transition>,
    /// Whether people were to be told of it.
    pub receipt: Option<Receipt>,
    /// What came of telling them.
    pub told: Option<Told>,
    /// What Convex was told of the services.
    pub convex: Option<Pushed>,
}

impl Found {
    /// What is known of, well or not.
    pub(crate) fn looked_at(&self) -> BTreeSet<String> {
        let signals = self.signals.iter().filter(|signal| signal.is_known());
        let services = self.services.iter().map(|service| service.name.clone());
        services.chain(signals.map(|signal| signal.name.clone())).collect()
    }

    /// What is wrong.
    pub(crate) fn wrong(&self) -> BTreeSet<String> {
        let escalated = self.signals.iter().filter(|signal| signal.state == State::Escalated);
        self.down()
            .map(|one| one.name.clone())
            .chain(escalated.map(|one| one.name.clone()))
            .collect()
    }

    pub(crate) fn down(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(|service| !service.up)
    }

    /// What was seen of these.
    pub(crate) fn details(&self, names: &BTreeSet<String>) -> BTreeMap<&str, &str> {
        let services = self.services.iter().map(|one| (one.name.as_str(), one.detail.as_str()));
        let signals = self.signals.iter().map(|one| (one.name.as_str(), one.detail.as_str()));
        services.chain(signals).filter(|(name, _)| names.contains(*name)).collect()
    }

    pub(crate) fn status(&self) -> Status {
        if !self.wrong().is_empty() {
            Status::Degraded
        } else if self.looked_at().is_empty() {
            Status::Unchecked
        } else {
            Status::Noop
        }
    }
}

/// Keeps what the last check found, for whoever asks. Whether it could.
pub(crate) fn remember(io: &Io, report: &Report, now: Timestamp) -> bool {
    let changes = Changes::default().set_for(LAST_CHECK, now.to_string(), LASTS).set_for(
        LAST_RESULT,
        json(report),
        LASTS,
    );
    match Store::of(io).make(changes) {
        Ok(_) => true,
        Err(refused) => {
            Note::of(COMPONENT, "system.health.last-result").warn().failed(io, refused);
            false
        }
    }
}
