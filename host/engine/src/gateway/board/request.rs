//! One call on its way over Connect.

use jiff::Timestamp;
use protocol::connect::frames::{ConnectMessage, ExecutorRequest, Kind};

use super::connection::ConnectionId;
use crate::gateway::lease::Lease;
use crate::gateway::rules::Rules;
use crate::queue::CallId;
use crate::reply::Reply;

/// One call on its way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) call: CallId,
    /// As it is sent, but for the lease.
    pub(super) envelope: ExecutorRequest,
    pub(super) stage: Stage,
    /// A reply that came before the acknowledgement.
    pub(super) early: Option<Reply>,
}

/// Where a request is.
#[derive(Debug)]
pub(super) enum Stage {
    /// No connection takes calls, but one that is draining may have a successor soon.
    Sought { next: Timestamp, tries: u32 },
    /// Sent, and not yet acknowledged.
    Sent { to: ConnectionId, instance: String, at: Timestamp, lease: Lease },
    /// The worker has it. The connection no longer matters.
    Taken { instance: String, lease: Lease },
}

impl Request {
    /// Whose slot it uses.
    pub(super) fn instance(&self) -> Option<&str> {
        match &self.stage {
            Stage::Sought { .. } => None,
            Stage::Sent { instance, .. } | Stage::Taken { instance, .. } => Some(instance),
        }
    }

    /// Its lease, once it was sent.
    pub(super) fn lease(&mut self) -> Option<&mut Lease> {
        match &mut self.stage {
            Stage::Sought { .. } => None,
            Stage::Sent { lease, .. } | Stage::Taken { lease, .. } => Some(lease),
        }
    }

    /// When something must happen to it by itself.
    pub(super) fn due(&self, rules: &Rules) -> Timestamp {
        match &self.stage {
            Stage::Sought { next, .. } => *next,
            Stage::Sent { at, .. } => rules.redelivered_at(*at),
            Stage::Taken { lease, .. } => lease.lost_at(rules),
        }
    }

    /// The frame that hands it to a worker.
    pub(super) fn frame(&self, lease: &Lease) -> ConnectMessage {
        let envelope =
            ExecutorRequest { lease_id: lease.id().to_string(), ..self.envelope.clone() };
        ConnectMessage::around(Kind::GatewayExecutorRequest, &envelope)
    }
}
