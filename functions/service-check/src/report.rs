//! What a check ends with.

use serde::{Deserialize, Serialize};

use crate::request::Mode;

/// Whether all is well.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every service is up.
    Healthy,
    /// At least one is down.
    Degraded,
    /// Nothing was probed, so nothing is known.
    Unchecked,
}

/// What a check found and did.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether all is well.
    pub status: Status,
    /// How much was checked.
    pub mode: Mode,
    /// The services, in the order of the request.
    pub services: Vec<Service>,
    /// The ids of the events that ask for healing.
    pub healing: Vec<String>,
}

/// How a service is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What people call it.
    pub name: String,
    /// How it was probed: `http` or `tcp`.
    pub kind: String,
    /// Whether it is up.
    pub up: bool,
    /// The status of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the probe took, in milliseconds.
    pub ms: u64,
    /// What the probe saw.
    pub detail: String,
}

impl Report {
    pub(crate) fn of(mode: Mode, services: Vec<Service>) -> Self {
        let all_up = services.iter().all(|service| service.up);
        let status = if all_up { Status::Healthy } else { Status::Degraded };
        Self { status, mode, services, healing: Vec::new() }
    }

    pub(crate) fn unchecked(mode: Mode) -> Self {
        Self { status: Status::Unchecked, mode, services: Vec::new(), healing: Vec::new() }
    }

    pub(crate) fn down(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(|service| !service.up)
    }
}
