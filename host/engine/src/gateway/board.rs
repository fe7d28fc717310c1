//! The rules of Connect without I/O: connections, and the calls on their way.
//!
//! Inputs are method calls with the time as an argument; what must happen comes out as [`Act`]s. Nothing here
//! touches a socket, reads a clock or waits.

mod connection;
mod request;
mod room;
mod route;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use protocol::connect::frames::{ConnectMessage, ExecutorRequest, Kind};
use ulid::Ulid;

pub(crate) use connection::{Announced, Connection, ConnectionId, Hello, Readiness};
pub(crate) use room::Room;

use super::lease::Lease;
use super::rules::{Rules, later};
use crate::entropy::Entropy;
use crate::queue::CallId;
use crate::reply::Reply;
use request::{Request, Stage};
use route::Route;

/// How often, and in what pauses, a successor of draining connections is looked for.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// How a call over Connect ended.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// As an attempt.
    Replied(Reply),
    /// Not at all: nobody can take it now. It is to be made later, and costs no attempt.
    Returned,
}

/// What must happen.
#[derive(Debug)]
pub(crate) enum Act {
    /// A frame goes out.
    Send(ConnectionId, ConnectMessage),
    /// A connection is cut, without a close frame.
    Cut(ConnectionId),
    /// A call has ended.
    End(CallId, Outcome),
}

/// Connections, and calls on their way.
#[derive(Debug)]
pub(crate) struct Board {
    rules: Rules,
    connections: BTreeMap<ConnectionId, Connection>,
    last_connection: u64,
    /// By the request's id.
    requests: BTreeMap<String, Request>,
    /// What each instance said last of how much it takes.
    limits: BTreeMap<String, Option<usize>>,
    /// The engine stops: no connection will come any more.
    draining: bool,
    acts: Vec<Act>,
}

impl Board {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            connections: BTreeMap::new(),
            last_connection: 0,
            requests: BTreeMap::new(),
            limits: BTreeMap::new(),
            draining: false,
            acts: Vec::new(),
        }
    }

    /// What must happen since the last time.
    pub(crate) fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// The connections, the earliest first.
    pub(crate) fn connections(&self) -> impl Iterator<Item = (&ConnectionId, &Connection)> {
        self.connections.iter()
    }

    /// How many calls are on their way.
    pub(crate) fn under_way(&self) -> usize {
        self.requests.len()
    }

    /// The engine stops. What finds no connection from now on is left for its next life.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
    }

    /// Gives up every call that is still on its way, for the engine's next life.
    pub(crate) fn give_up(&mut self) {
        for (_, request) in std::mem::take(&mut self.requests) {
            self.acts.push(Act::End(request.call, Outcome::Returned));
        }
    }

    /// A connection has shaken hands.
    pub(crate) fn join(&mut self, hello: Hello, now: Timestamp) -> ConnectionId {
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        self.limits.insert(hello.instance.clone(), hello.limit);
        self.connections.insert(id, Connection::new(hello, now));
        id
    }

    /// A connection is gone. What it has not acknowledged moves to another one at once.
    pub(crate) fn leave(&mut self, id: ConnectionId, now: Timestamp, entropy: &mut dyn Entropy) {
        if self.connections.remove(&id).is_none() {
            return;
        }
        let lost = self
            .requests
            .iter()
            .filter(|(_, request)| matches!(request.stage, Stage::Sent { to, .. } if to == id));
        let lost: Vec<String> = lost.map(|(id, _)| id.clone()).collect();
        for request in lost {
            self.send_again(&request, now, entropy);
        }
        self.forget_instances();
    }

    /// A connection gave a sign of life, which is answered.
    pub(crate) fn heard(&mut self, id: ConnectionId, now: Timestamp) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.heard = now;
            self.acts.push(Act::Send(id, ConnectMessage::empty(Kind::GatewayHeartbeat)));
        }
    }

    /// A connection that was asked to say so is ready; one that drains stays so.
    pub(crate) fn ready(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id)
            && connection.readiness == Readiness::Connected
        {
            connection.readiness = Readiness::Ready;
        }
    }

    /// A connection wants no further calls, for the rest of its life.
    pub(crate) fn pause(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.readiness = Readiness::Draining;
        }
    }

    /// Sends a call on its way.
    pub(crate) fn place(
        &mut self,
        call: CallId,
        envelope: ExecutorRequest,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        if self.draining {
            self.acts.push(Act::End(call, Outcome::Returned));
            return;
        }
        let id = envelope.request_id.clone();
        let stage = Stage::Sought { next: now, tries: 0 };
        self.requests.insert(id.clone(), Request { call, envelope, stage, early: None });
        self.seek(&id, now, entropy);
    }

    /// A worker has taken a request.
    pub(crate) fn acknowledge(&mut self, request: &str) {
        let Some(mut taken) = self.requests.remove(request) else { return };
        if let Some(reply) = taken.early.take() {
            self.acts.push(Act::End(taken.call, Outcome::Replied(reply)));
            self.forget_instances();
            return;
        }
        taken.stage = match taken.stage {
            Stage::Sent { instance, lease, .. } => Stage::Taken { instance, lease },
            other => other,
        };
        self.requests.insert(request.to_owned(), taken);
    }

    /// Extends a lease; its new id, or nothing when the request is not waited for any longer.
    pub(crate) fn extend(
        &mut self,
        request: &str,
        held: Ulid,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Option<Ulid> {
        self.requests.get_mut(request)?.lease()?.extend(held, &self.rules, now, entropy)
    }

    /// A worker has answered; the call that ends with it, if one does. The first answer counts, and those to requests
    /// that nobody waits for change nothing.
    pub(crate) fn reply(&mut self, request: &str, reply: Reply) -> Option<CallId> {
        let found = self.requests.get_mut(request)?;
        if let Stage::Taken { .. } = found.stage {
            let call = found.call;
            self.end(request, Outcome::Replied(reply));
            return Some(call);
        }
        // The run moves only when the acknowledgement is there too.
        found.early.get_or_insert(reply);
        None
    }

    /// Lets the clock act.
    pub(crate) fn tick(&mut self, now: Timestamp, entropy: &mut dyn Entropy) {
        let dead: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, connection)| self.rules.dead_at(connection.heard) <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in dead {
            self.acts.push(Act::Cut(id));
            self.leave(id, now, entropy);
        }
        let due = self.requests.iter().filter(|(_, request)| request.due(&self.rules) <= now);
        let due: Vec<String> = due.map(|(id, _)| id.clone()).collect();
        for id in due {
            match self.requests[&id].stage {
                Stage::Sought { .. } => self.seek(&id, now, entropy),
                Stage::Sent { .. } => self.send_again(&id, now, entropy),
                Stage::Taken { .. } => self.end(&id, Outcome::Replied(Reply::silent())),
            }
        }
    }

    /// The next moment at which [`Board::tick`] has something to do.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let requests = self.requests.values().map(|request| request.due(&self.rules));
        let heard = self.connections.values();
        requests.chain(heard.map(|connection| self.rules.dead_at(connection.heard))).min()
    }

    /// Looks for a connection for a request that has none.
    fn seek(&mut self, id: &str, now: Timestamp, entropy: &mut dyn Entropy) {
        let Some(request) = self.requests.get(id) else { return };
        let tries = match request.stage {
            Stage::Sought { tries, .. } => tries,
            _ => 0,
        };
        match self.route_of(id, now, entropy) {
            Route::To(to) => {
                let lease = Lease::new(&self.rules, now, entropy);
                self.send(id, to, lease, now);
            }
            Route::Full => self.end(id, Outcome::Returned),
            // Once it was looked for, a connection that has left is one that has no successor yet.
            Route::Absent if tries == 0 => self.end(id, Outcome::Returned),
            Route::OnlyDraining | Route::Absent if tries < TRIES => {
                let next = later(now, PAUSE);
                if let Some(request) = self.requests.get_mut(id) {
                    request.stage = Stage::Sought { next, tries: tries + 1 };
                }
            }
            Route::OnlyDraining | Route::Absent | Route::Unfit => self.refuse(id),
        }
    }

    /// Sends a request that was not acknowledged once more, unchanged, perhaps over another connection.
    fn send_again(&mut self, id: &str, now: Timestamp, entropy: &mut dyn Entropy) {
        let Some(request) = self.requests.get_mut(id) else { return };
        // Its slot is free while it looks for another one.
        let sought = Stage::Sought { next: now, tries: 0 };
        let Stage::Sent { mut lease, .. } = std::mem::replace(&mut request.stage, sought) else {
            return;
        };
        match self.route_of(id, now, entropy) {
            Route::To(to) => {
                lease.restart(&self.rules, now);
                self.send(id, to, lease, now);
            }
            Route::Full => self.end(id, Outcome::Returned),
            Route::OnlyDraining | Route::Absent | Route::Unfit => self.refuse(id),
        }
    }

    fn route_of(&self, id: &str, now: Timestamp, entropy: &mut dyn Entropy) -> Route {
        let envelope = &self.requests[id].envelope;
        self.route(&envelope.app_name, &envelope.function_slug, now, entropy.bits())
    }

    fn send(&mut self, id: &str, to: ConnectionId, lease: Lease, now: Timestamp) {
        let instance = self.connections[&to].hello.instance.clone();
        let Some(request) = self.requests.get_mut(id) else { return };
        self.acts.push(Act::Send(to, request.frame(&lease)));
        request.stage = Stage::Sent { to, instance, at: now, lease };
    }

    /// Ends a request that no connection can take.
    fn refuse(&mut self, id: &str) {
        let failed = Outcome::Replied(Reply::unroutable());
        self.end(id, if self.draining { Outcome::Returned } else { failed });
    }

    fn end(&mut self, id: &str, outcome: Outcome) {
        if let Some(request) = self.requests.remove(id) {
            self.acts.push(Act::End(request.call, outcome));
            self.forget_instances();
        }
    }

    /// Forgets the limits of instances that are gone with everything they had.
    fn forget_instances(&mut self) {
        let (connections, requests) = (&self.connections, &self.requests);
        self.limits.retain(|instance, _| {
            connections.values().any(|it| it.hello.instance == *instance)
                || requests.values().any(|it| it.instance() == Some(instance))
        });
    }
}
