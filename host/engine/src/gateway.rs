//! The Connect gateway: workers dial in over WebSocket, and calls go out to them as frames.
//!
//! ```text
//!  api ─── start, flush ──┐
//!  driver ── calls, room ─┤► Gateway ──► board      pure: who gets a call, leases, slots, heartbeats
//!  listener ─► socket ────┘     └──────► a socket's outbox, a call's end
//! ```
//!
//! The rules are in [`board`], which does no I/O; [`Gateway`] holds it behind a lock that is never held across a wait,
//! and makes happen what it decides. Each connection is a task of [`listener`], which also owns the clock.

mod board;
mod envelope;
mod hello;
mod lease;
mod listener;
mod refusal;
mod rules;
mod session;
mod socket;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use protocol::connect::frames::{
    ConnectMessage, ExtendLease, ExtendLeaseAck, Kind, ReplyAck, SdkResponse,
};
use protocol::signature::SigningKey;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

pub(crate) use board::{Connection, Outcome, Readiness, Room};
pub(crate) use listener::listen;

use crate::call::Order;
use crate::entropy::Random;
use crate::options::GatewayOptions;
use crate::queue::CallId;
use board::{Act, Board, ConnectionId, Hello};
use hello::Doorkeeper;
use refusal::Refusal;
use rules::Rules;
use session::Sessions;

/// The gateway's name for itself and for its group.
pub(crate) const GROUP: &str = "gw-dev";

/// The longest the clock is not looked at: it may have been set, or the machine may have slept.
const LONGEST: Duration = Duration::from_secs(1);

/// What goes to the task of a connection.
#[derive(Debug)]
enum Push {
    Frame(ConnectMessage),
    /// End without a close frame.
    Cut,
    Close(Refusal),
}

/// How the sender of a reply is told that it is stored.
#[derive(Debug)]
enum Receipt {
    Frame(ConnectionId),
    Flush(oneshot::Sender<()>),
}

/// The gateway; shared by the driver, the API and the connections.
#[derive(Debug)]
pub(crate) struct Gateway {
    address: SocketAddr,
    rules: Rules,
    drain: Duration,
    door: Doorkeeper,
    inner: Mutex<Inner>,
    /// Calls can go where they could not before.
    room: Notify,
    /// The clock has something new to wait for.
    changed: Notify,
    /// No connection is taken any more.
    closing: CancellationToken,
}

struct Inner {
    board: Board,
    outboxes: BTreeMap<ConnectionId, mpsc::UnboundedSender<Push>>,
    waiting: HashMap<CallId, oneshot::Sender<Outcome>>,
    /// Calls whose replies are being stored, with the request's id, and who wants to know of it.
    storing: HashMap<CallId, Vec<(String, Receipt)>>,
    entropy: Random,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("board", &self.board).finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway that workers reach at this address.
    pub(crate) fn new(
        address: SocketAddr,
        options: &GatewayOptions,
        key: Option<SigningKey>,
    ) -> Self {
        let rules = Rules::new(options);
        let sessions = Sessions::new(key.as_ref(), options.session_life);
        Self {
            address,
            rules,
            drain: options.drain,
            door: Doorkeeper { sessions, key },
            inner: Mutex::new(Inner {
                board: Board::new(rules),
                outboxes: BTreeMap::new(),
                waiting: HashMap::new(),
                storing: HashMap::new(),
                entropy: Random::new(),
            }),
            room: Notify::new(),
            changed: Notify::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Where workers dial.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long a stopping engine waits for the workers' replies.
    pub(crate) fn drain(&self) -> Duration {
        self.drain
    }

    /// A token with which a worker may dial from now on.
    pub(crate) fn session_token(&self) -> String {
        self.door.sessions.token(Timestamp::now())
    }

    /// How many calls each app can take.
    pub(crate) fn room(&self) -> Room {
        self.with(|inner, now| inner.board.room(now))
    }

    /// Waits until there may be more room than before.
    pub(crate) async fn more_room(&self) {
        self.room.notified().await;
    }

    /// Sends a call on its way, at once; what is returned waits for its end.
    pub(crate) fn call(&self, order: Order) -> impl Future<Output = Outcome> + Send + use<> {
        let (sender, ended) = oneshot::channel();
        let call = order.call;
        self.act(|inner, now| {
            inner.waiting.insert(call, sender);
            let request = envelope::request(order, &mut inner.entropy);
            inner.board.place(call, request, now, &mut inner.entropy);
        });
        async move { ended.await.unwrap_or(Outcome::Returned) }
    }

    /// Takes a reply in that came over HTTP; what is returned waits until the reply is stored, or means nothing.
    pub(crate) fn flush(&self, response: SdkResponse) -> oneshot::Receiver<()> {
        let (sender, stored) = oneshot::channel();
        self.take(response, Receipt::Flush(sender));
        stored
    }

    /// What followed from the reply to a call is stored: whoever sent it is told.
    pub(crate) fn stored(&self, call: CallId) {
        self.with(|inner, _| {
            for (request, receipt) in inner.storing.remove(&call).unwrap_or_default() {
                inner.confirm(request, receipt);
            }
        });
    }

    /// Looks at every connection.
    pub(crate) fn connections<T>(&self, look: impl FnMut(&Connection) -> T) -> Vec<T> {
        self.with(|inner, _| inner.board.connections().map(|(_, it)| it).map(look).collect())
    }

    fn join(&self, hello: Hello) -> (ConnectionId, mpsc::UnboundedReceiver<Push>) {
        let (sender, outbox) = mpsc::unbounded_channel();
        let ready = ConnectMessage::around(Kind::GatewayConnectionReady, &self.rules.ready());
        let id = self.act(|inner, now| {
            let id = inner.board.join(hello, now);
            // Before any call that this makes possible. Its receiver is still here.
            let _ = sender.send(Push::Frame(ready));
            inner.outboxes.insert(id, sender);
            id
        });
        self.room.notify_one();
        (id, outbox)
    }

    fn leave(&self, id: ConnectionId) {
        self.act(|inner, now| {
            inner.outboxes.remove(&id);
            inner.board.leave(id, now, &mut inner.entropy);
        });
    }

    fn heard(&self, id: ConnectionId) {
        self.act(|inner, now| inner.board.heard(id, now));
        self.room.notify_one();
    }

    fn ready(&self, id: ConnectionId) {
        self.act(|inner, _| inner.board.ready(id));
        self.room.notify_one();
    }

    fn pause(&self, id: ConnectionId) {
        self.act(|inner, _| inner.board.pause(id));
        // Where only draining connections are left, calls look for their successor.
        self.room.notify_one();
    }

    /// Takes a reply in, and confirms it: once it is stored, or at once when nothing follows from it.
    fn take(&self, response: SdkResponse, receipt: Receipt) {
        self.act(|inner, _| {
            let request = response.request_id.clone();
            match inner.board.reply(&request, envelope::reply(response)) {
                Some(call) => inner.storing.entry(call).or_default().push((request, receipt)),
                None => match inner.storing.values_mut().find(|it| it[0].0 == request) {
                    // The same once more, before the first one is stored.
                    Some(receipts) => receipts.push((request, receipt)),
                    None => inner.confirm(request, receipt),
                },
            }
        });
    }

    fn reply(&self, id: ConnectionId, response: SdkResponse) {
        self.take(response, Receipt::Frame(id));
    }

    fn acknowledge(&self, request: &str) {
        self.act(|inner, _| inner.board.acknowledge(request));
    }

    /// Extends a lease, and tells the worker what it has now.
    fn extend(&self, id: ConnectionId, asked: ExtendLease, held: Ulid) {
        self.act(|inner, now| {
            let lease = inner.board.extend(&asked.request_id, held, now, &mut inner.entropy);
            let ack = ExtendLeaseAck {
                request_id: asked.request_id,
                account_id: asked.account_id,
                env_id: asked.env_id,
                app_id: asked.app_id,
                function_slug: asked.function_slug,
                new_lease_id: lease.map(|lease| lease.to_string()),
            };
            let frame = ConnectMessage::around(Kind::WorkerRequestExtendLeaseAck, &ack);
            inner.push(id, Push::Frame(frame));
        });
    }

    /// Lets the clock act, when something is due.
    fn tick(&self) {
        let due = self.with(|inner, now| inner.board.next_due().is_some_and(|due| due <= now));
        if due {
            self.act(|inner, now| inner.board.tick(now, &mut inner.entropy));
        }
    }

    /// How long until the clock must act.
    fn until_due(&self) -> Duration {
        let until = self.with(|inner, now| Some(inner.board.next_due()?.duration_since(now)));
        let until = until.map(|due| Duration::try_from(due).unwrap_or(Duration::ZERO));
        // A millisecond more: timers round down, and waking early would mean waking twice.
        until.map_or(LONGEST, |due| LONGEST.min(due + Duration::from_millis(1)))
    }

    /// Tells every worker to look elsewhere.
    fn begin_closing(&self) {
        self.with(|inner, _| inner.board.drain());
        self.tell_all(|| Push::Frame(ConnectMessage::empty(Kind::GatewayClosing)));
    }

    /// Gives up what is still on its way, and closes every connection, also those that are shaking hands.
    fn close(&self) {
        self.act(|inner, _| {
            inner.board.give_up();
            // What is not stored by now is not confirmed any more; the calls will be made again.
            inner.storing.clear();
        });
        self.closing.cancel();
        self.tell_all(|| Push::Close(Refusal::Closing));
    }

    fn under_way(&self) -> usize {
        self.with(|inner, _| inner.board.under_way() + inner.storing.len())
    }

    fn tell_all(&self, push: impl Fn() -> Push) {
        self.with(|inner, _| {
            for outbox in inner.outboxes.values() {
                // Whose task has ended needs to hear nothing.
                let _ = outbox.send(push());
            }
        });
    }

    /// Lets something act on the board, and makes happen what follows.
    fn act<T>(&self, act: impl FnOnce(&mut Inner, Timestamp) -> T) -> T {
        let (result, freed) = self.with(|inner, now| {
            let result = act(inner, now);
            let mut freed = false;
            for act in inner.board.take_acts() {
                match act {
                    Act::Send(id, frame) => inner.push(id, Push::Frame(frame)),
                    Act::Cut(id) => inner.push(id, Push::Cut),
                    Act::End(call, outcome) => {
                        freed = true;
                        if let Some(waiting) = inner.waiting.remove(&call) {
                            // The engine may have stopped waiting; the call is then made again.
                            let _ = waiting.send(outcome);
                        }
                    }
                }
            }
            (result, freed)
        });
        self.changed.notify_one();
        if freed {
            self.room.notify_one();
        }
        result
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner, Timestamp) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut inner, Timestamp::now())
    }
}

impl Inner {
    fn confirm(&self, request_id: String, receipt: Receipt) {
        match receipt {
            Receipt::Frame(id) => {
                let ack = ReplyAck { request_id };
                self.push(id, Push::Frame(ConnectMessage::around(Kind::WorkerReplyAck, &ack)));
            }
            Receipt::Flush(sender) => {
                // Whoever flushed it may have gone away.
                let _ = sender.send(());
            }
        }
    }

    fn push(&self, id: ConnectionId, push: Push) {
        if let Some(outbox) = self.outboxes.get(&id) {
            // Whose task has ended needs to hear nothing.
            let _ = outbox.send(push);
        }
    }
}

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Hub {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) engine: crate::driver::Handle,
}
