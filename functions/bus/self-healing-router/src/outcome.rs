//! What a decision comes to.

use healing_policy::{Action, Decision};
use serde::{Deserialize, Serialize};

use crate::decide::Decided;
use crate::owner;
use crate::request::Request;

/// What came of a request.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It lacks a required member.
    Invalid,
    /// Somebody else owns it, or it names no event to send again.
    Blocked,
    /// It wants another attempt and the budget is used up.
    Exhausted,
    /// The target event is sent again after a wait.
    Scheduled,
    /// People are told.
    Escalated,
}

/// Whom and how to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alert {
    /// Nobody: it goes its way, or its owner looks after it.
    None,
    /// That a request for a backup came this way.
    BackupBlocked,
    /// That the budget is used up, or that there is no event to send.
    Exhausted,
    /// That somebody has to look.
    Escalated,
}

/// What came of a request, and what follows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) decision: Decision,
    /// The event that is sent again.
    pub(crate) route: Option<String>,
    pub(crate) alert: Alert,
}

impl Outcome {
    /// A request that is not decided about: one that is incomplete, or somebody else's.
    pub(crate) fn before_deciding(request: &Request) -> Option<Self> {
        let (status, reason, alert) = if request.missing.is_empty() {
            let owner = request.owner()?;
            (Status::Blocked, format!("{owner} owns it"), alert_for(owner))
        } else {
            let missing = request.missing.join(", ");
            (Status::Invalid, format!("the request lacks {missing}"), Alert::None)
        };
        let decision = Decision::escalated(&reason);
        Some(Self { status, reason, decision, route: request.target_event.clone(), alert })
    }

    pub(crate) fn of(request: &Request, decided: &Decided) -> Self {
        let decision = decided.decision.clone();
        // A model may name an event where the request does not; it does not overrule the request.
        let route = request.target_event.clone().or_else(|| decision.route_to_event_name.clone());
        let most = decided.policy.max_retries;
        let owned = owner::of(&request.domain, route.as_deref());
        let (status, reason, alert) = match (decision.action, &route) {
            (Action::Escalate, _) => (Status::Escalated, decision.reason.clone(), Alert::Escalated),
            (_, None) => {
                let reason = "there is no event to send again".to_owned();
                (Status::Blocked, reason, Alert::Exhausted)
            }
            (_, Some(_)) if let Some(owner) = owned => {
                (Status::Blocked, format!("{owner} owns it"), alert_for(owner))
            }
            (_, Some(_)) if request.next_attempt() > most => {
                let next = request.next_attempt();
                let reason = format!("the budget is used up ({next}/{most})");
                (Status::Exhausted, reason, Alert::Exhausted)
            }
            (_, Some(_)) => (Status::Scheduled, decision.reason.clone(), Alert::None),
        };
        Self { status, reason, decision, route, alert }
    }

    /// What is done in the end: whatever does not go on is for people.
    pub(crate) fn action(&self) -> Action {
        match self.status {
            Status::Scheduled => self.decision.action,
            _ => Action::Escalate,
        }
    }
}

/// A backup that comes this way has missed its owner; the runtime's owner is told by the same event.
fn alert_for(owner: &str) -> Alert {
    if owner == owner::BACKUPS { Alert::BackupBlocked } else { Alert::None }
}
