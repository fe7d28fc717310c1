//! Tables for the rules of Connect; time is passed in, nothing waits.

mod leases;
mod routing;

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;
use protocol::connect::frames::{ExecutorRequest, Kind};

use super::{Act, Announced, Board, ConnectionId, Hello, Outcome};
use crate::entropy::Counted;
use crate::gateway::rules::Rules;
use crate::options::GatewayOptions;
use crate::queue::CallId;
use crate::reply::{Answer, Reply};

/// A board with the times of the real server, and what it has decided.
pub(super) struct World {
    pub(super) board: Board,
    pub(super) now: Timestamp,
    entropy: Counted,
    calls: u64,
    /// Requests as they went out: to whom, and which.
    pub(super) sent: Vec<(ConnectionId, ExecutorRequest)>,
    /// How calls ended: `returned`, or what the attempt is told.
    pub(super) ended: Vec<String>,
    pub(super) cut: Vec<ConnectionId>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            board: Board::new(Rules::new(&GatewayOptions::default())),
            now: Timestamp::UNIX_EPOCH,
            entropy: Counted::default(),
            calls: 0,
            sent: Vec::new(),
            ended: Vec::new(),
            cut: Vec::new(),
        }
    }

    /// Connects a worker whose app `app` has the function `f`, after `change`.
    pub(super) fn join(&mut self, change: impl FnOnce(&mut Hello)) -> ConnectionId {
        let announced = Announced { configuration: "1".to_owned(), slugs: ["f".to_owned()].into() };
        let mut hello = Hello {
            connection: "c".to_owned(),
            instance: "i".to_owned(),
            limit: None,
            manual: false,
            apps: BTreeMap::from([("app".to_owned(), announced)]),
            sdk: Default::default(),
            system: None,
        };
        change(&mut hello);
        self.board.join(hello, self.now)
    }

    /// Makes a call of `f`, as the queue does when there is room; the id of its request.
    pub(super) fn call(&mut self) -> String {
        self.calls += 1;
        let id = format!("r{}", self.calls);
        let envelope = ExecutorRequest {
            request_id: id.clone(),
            app_name: "app".to_owned(),
            function_slug: "f".to_owned(),
            ..ExecutorRequest::default()
        };
        let call = CallId::numbered(self.calls);
        self.board.place(call, envelope, self.now, &mut self.entropy);
        self.note();
        id
    }

    /// Whether the queue would let a call of `f` go.
    pub(super) fn has_room(&self) -> bool {
        self.board.room(self.now).take("app", "f")
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += jiff::SignedDuration::from_secs(1);
            self.board.tick(self.now, &mut self.entropy);
            self.note();
        }
    }

    /// Lets time pass while connections send their heartbeats.
    pub(super) fn live(&mut self, connections: &[ConnectionId], seconds: i64) {
        for second in 0..seconds {
            if second % 10 == 0 {
                for id in connections {
                    self.board.heard(*id, self.now);
                }
            }
            self.pass(1);
        }
    }

    pub(super) fn leave(&mut self, id: ConnectionId) {
        self.board.leave(id, self.now, &mut self.entropy);
        self.note();
    }

    pub(super) fn acknowledge(&mut self, request: &str) {
        self.board.acknowledge(request);
        self.note();
    }

    pub(super) fn reply(&mut self, request: &str, body: &str) {
        let answer =
            Answer { status: 200, sdk: true, body: body.to_owned().into(), ..Answer::default() };
        self.board.reply(request, Reply::Answered(answer));
        self.note();
    }

    pub(super) fn extend(&mut self, request: &str, lease: &str) -> Option<String> {
        let held = ulid::Ulid::from_string(lease).expect("a ULID");
        let lease = self.board.extend(request, held, self.now, &mut self.entropy);
        lease.map(|lease| lease.to_string())
    }

    /// The connections that requests went to.
    pub(super) fn went_to(&self) -> Vec<ConnectionId> {
        self.sent.iter().map(|(to, _)| *to).collect()
    }

    fn note(&mut self) {
        for act in self.board.take_acts() {
            match act {
                Act::Send(to, frame) if frame.kind == i32::from(Kind::GatewayExecutorRequest) => {
                    let request = ExecutorRequest::decode(frame.payload).expect("a request");
                    self.sent.push((to, request));
                }
                Act::Send(_, frame) => assert_eq!(frame.kind, i32::from(Kind::GatewayHeartbeat)),
                Act::Cut(id) => self.cut.push(id),
                Act::End(_, Outcome::Returned) => self.ended.push("returned".to_owned()),
                Act::End(_, Outcome::Replied(Reply::Answered(answer))) => {
                    self.ended.push(String::from_utf8_lossy(&answer.body).into_owned());
                }
                Act::End(_, Outcome::Replied(Reply::Lost { code, .. })) => {
                    self.ended.push(code.to_owned());
                }
                Act::End(_, other) => panic!("{other:?}"),
            }
        }
    }
}
