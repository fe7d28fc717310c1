//! One socket, from its first byte to its last: which frame may come when, when to send a heartbeat, and when it is dead.

use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;

use super::duration;
use super::frames::{
    ConnectMessage, ConnectionReady, ExecutorRequest, ExtendLeaseAck, Kind, ReplyAck, SystemError,
};
use super::request::Request;

/// How long the gateway may take for its hello.
pub const HELLO: Duration = Duration::from_secs(5);

/// How long it may take from our answer to the hello until the connection is ready: it registers our functions.
pub const READY: Duration = Duration::from_secs(20);

/// How many heartbeats may be without an answer when the next one is due.
pub const MISSED: u32 = 2;

/// Where the gateway names no interval.
const HEARTBEAT: Duration = Duration::from_secs(10);
const EXTEND_LEASE: Duration = Duration::from_secs(5);
/// No interval is shorter, whatever the gateway says: the worker has other work too.
const SHORTEST: Duration = Duration::from_millis(10);

/// The proof that a gateway took our tokens: it exists because a handshake ended well, and calls are believed by it.
#[derive(Debug, Clone)]
pub struct Session(());

impl Session {
    #[cfg(test)]
    pub(super) fn for_test() -> Self {
        Self(())
    }
}

/// How often the gateway wants to hear what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// Between heartbeats.
    pub heartbeat: Duration,
    /// Between extensions of the lease of one request.
    pub extend_lease: Duration,
    /// Between reports of the worker's status; none when nobody asks for them.
    pub status: Option<Duration>,
}

impl Intervals {
    /// Reads them; what is empty, zero or unreadable gets its default.
    fn read(ready: &ConnectionReady) -> Self {
        let read = |text: &str| duration::parse(text).ok().filter(|interval| !interval.is_zero());
        let interval = |text: &str, default| read(text).unwrap_or(default).max(SHORTEST);
        Self {
            heartbeat: interval(&ready.heartbeat_interval, HEARTBEAT),
            extend_lease: interval(&ready.extend_lease_interval, EXTEND_LEASE),
            // The gateway ignores what comes more often than every two seconds.
            status: read(&ready.status_interval)
                .map(|interval| interval.max(Duration::from_secs(2))),
        }
    }
}

/// What a frame of the gateway means for the worker.
#[derive(Debug)]
pub enum Heard {
    /// Say who we are: [`Kind::WorkerConnect`].
    Hello,
    /// The connection is usable from now on.
    Ready(Intervals),
    /// Work. Boxed, since it is much larger than the rest.
    Request(Box<Request>),
    /// About a lease.
    Lease(ExtendLeaseAck),
    /// The reply to this request is stored.
    Stored(String),
    /// The gateway is about to leave.
    Closing,
    /// Nothing to do.
    Nothing,
}

/// What is to be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// [`Kind::WorkerHeartbeat`].
    Heartbeat,
    /// [`Kind::WorkerStatus`].
    Status,
}

/// Why a connection is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The gateway takes too long.
    #[error(
        "the gateway did not {awaited} within {within:?}; is it overloaded, or something else at its address?"
    )]
    Late {
        /// What it should have done.
        awaited: &'static str,
        /// How long it had.
        within: Duration,
    },
    /// It sent something else than the handshake has at this point.
    #[error(
        "the gateway sent {got} where {awaited} was expected; is something else at its address?"
    )]
    OutOfTurn {
        /// What came.
        got: String,
        /// What should have come.
        awaited: &'static str,
    },
    /// It refused our functions.
    #[error(
        "the server refused the functions of this worker: {0}; correct them, then start the worker again"
    )]
    Refused(String),
    /// It does not answer heartbeats.
    #[error("the gateway left {0} heartbeats without an answer")]
    Silent(u32),
    /// It sent something that is no frame.
    #[error("the gateway sent a frame that cannot be read: {0}")]
    Unreadable(String),
}

#[derive(Debug)]
enum Phase {
    Hello { until: Instant },
    Ready { until: Instant },
    Open { intervals: Intervals, beat: Instant, unanswered: u32, status: Option<Instant> },
}

/// The state of one socket.
#[derive(Debug)]
pub struct Link {
    phase: Phase,
    session: Option<Session>,
}

impl Link {
    /// A socket that was opened at `now`.
    pub fn new(now: Instant) -> Self {
        Self { phase: Phase::Hello { until: now + HELLO }, session: None }
    }

    /// Takes a frame that came at `now`.
    pub fn hear(&mut self, now: Instant, frame: Bytes) -> Result<Heard, LinkError> {
        let message: ConnectMessage = read(frame)?;
        let kind = Kind::try_from(message.kind);
        match (&mut self.phase, kind) {
            (Phase::Hello { .. }, Ok(Kind::GatewayHello)) => {
                self.phase = Phase::Ready { until: now + READY };
                Ok(Heard::Hello)
            }
            (Phase::Ready { .. }, Ok(Kind::GatewayConnectionReady)) => {
                let intervals = Intervals::read(&read(message.payload)?);
                self.session = Some(Session(()));
                self.phase = Phase::Open {
                    intervals,
                    beat: now + intervals.heartbeat,
                    unanswered: 0,
                    status: intervals.status.map(|interval| now + interval),
                };
                Ok(Heard::Ready(intervals))
            }
            (_, Ok(Kind::SyncFailed)) => {
                let SystemError { code, message, .. } = read(message.payload)?;
                let code = if code.is_empty() { code } else { format!(" ({code})") };
                Err(LinkError::Refused(format!("{message}{code}")))
            }
            (Phase::Hello { .. }, kind) => {
                Err(LinkError::OutOfTurn { got: name(kind, message.kind), awaited: "its hello" })
            }
            // It may leave before it took us; what follows is the close.
            (Phase::Ready { .. }, Ok(Kind::GatewayClosing)) => Ok(Heard::Closing),
            (Phase::Ready { .. }, kind) => Err(LinkError::OutOfTurn {
                got: name(kind, message.kind),
                awaited: "its word that the connection is ready",
            }),
            (Phase::Open { unanswered, .. }, Ok(kind)) => match kind {
                Kind::GatewayHeartbeat => {
                    *unanswered = 0;
                    Ok(Heard::Nothing)
                }
                Kind::GatewayExecutorRequest => {
                    let request: ExecutorRequest = read(message.payload)?;
                    Ok(self.session.as_ref().map_or(Heard::Nothing, |session| {
                        Heard::Request(Box::new(Request::new(request, session)))
                    }))
                }
                Kind::WorkerRequestExtendLeaseAck => Ok(Heard::Lease(read(message.payload)?)),
                Kind::WorkerReplyAck => {
                    let ack: ReplyAck = read(message.payload)?;
                    Ok(Heard::Stored(ack.request_id))
                }
                Kind::GatewayClosing => Ok(Heard::Closing),
                // Kinds that a later gateway may send, and repeats of the handshake.
                _ => Ok(Heard::Nothing),
            },
            (Phase::Open { .. }, Err(_)) => Ok(Heard::Nothing),
        }
    }

    /// What is to be sent at `now`; an error when the gateway has been silent for too long.
    pub fn due(&mut self, now: Instant) -> Result<Vec<Due>, LinkError> {
        match &mut self.phase {
            Phase::Hello { until } if now >= *until => {
                Err(LinkError::Late { awaited: "say hello", within: HELLO })
            }
            Phase::Ready { until } if now >= *until => {
                Err(LinkError::Late { awaited: "say that the connection is ready", within: READY })
            }
            Phase::Hello { .. } | Phase::Ready { .. } => Ok(Vec::new()),
            Phase::Open { intervals, beat, unanswered, status } => {
                let mut due = Vec::new();
                if now >= *beat {
                    if *unanswered >= MISSED {
                        return Err(LinkError::Silent(*unanswered));
                    }
                    *unanswered += 1;
                    // From now on, not from when it was due: a machine that slept shall not catch up.
                    *beat = now + intervals.heartbeat;
                    due.push(Due::Heartbeat);
                }
                if let (Some(at), Some(interval)) = (status, intervals.status)
                    && now >= *at
                {
                    *at = now + interval;
                    due.push(Due::Status);
                }
                Ok(due)
            }
        }
    }

    /// When to call [`Link::due`] next.
    pub fn next(&self) -> Instant {
        match &self.phase {
            Phase::Hello { until } | Phase::Ready { until } => *until,
            Phase::Open { beat, status, .. } => status.map_or(*beat, |status| status.min(*beat)),
        }
    }
}

fn read<M: Message + Default>(bytes: Bytes) -> Result<M, LinkError> {
    M::decode(bytes).map_err(|error| LinkError::Unreadable(error.to_string()))
}

fn name(kind: Result<Kind, prost::UnknownEnumValue>, number: i32) -> String {
    kind.map_or_else(
        |_| format!("a frame of the unknown kind {number}"),
        |kind| format!("{kind:?}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::request::tests::executor_request;
    use super::*;

    fn empty(kind: Kind) -> Bytes {
        ConnectMessage::empty(kind).encode_to_vec().into()
    }

    fn around(kind: Kind, message: &impl Message) -> Bytes {
        ConnectMessage::around(kind, message).encode_to_vec().into()
    }

    fn ready(heartbeat: &str, lease: &str, status: &str) -> Bytes {
        let message = ConnectionReady {
            heartbeat_interval: heartbeat.to_owned(),
            extend_lease_interval: lease.to_owned(),
            status_interval: status.to_owned(),
        };
        around(Kind::GatewayConnectionReady, &message)
    }

    fn open(start: Instant) -> Link {
        let mut link = Link::new(start);
        link.hear(start, empty(Kind::GatewayHello)).expect("a hello");
        link.hear(start, ready("10s", "30s", "0s")).expect("ready");
        link
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_handshake_is_a_hello_and_a_ready() {
        let start = Instant::now();
        let mut link = Link::new(start);
        assert_eq!(link.next(), start + HELLO);
        assert!(matches!(link.hear(start, empty(Kind::GatewayHello)), Ok(Heard::Hello)));
        assert_eq!(link.next(), start + READY);
        let heard = link.hear(start + SECOND, ready("10s", "1m30s", "0s"));
        let Ok(Heard::Ready(intervals)) = heard else { panic!("{heard:?}") };
        assert_eq!(intervals.heartbeat, 10 * SECOND);
        assert_eq!((intervals.extend_lease, intervals.status), (90 * SECOND, None));
        assert_eq!(link.next(), start + 11 * SECOND);
    }

    #[test]
    fn each_phase_of_the_handshake_has_an_end() {
        let start = Instant::now();
        let mut link = Link::new(start);
        assert_eq!(link.due(start + 4 * SECOND), Ok(Vec::new()));
        let late = link.due(start + HELLO).expect_err("late").to_string();
        assert!(late.contains("say hello within 5s"), "{late}");
        let mut link = Link::new(start);
        link.hear(start, empty(Kind::GatewayHello)).expect("a hello");
        assert_eq!(link.due(start + 19 * SECOND), Ok(Vec::new()));
        assert!(matches!(link.due(start + READY), Err(LinkError::Late { .. })));
    }

    #[test]
    fn anything_else_in_a_handshake_ends_it() {
        let start = Instant::now();
        for frame in [ready("1s", "1s", "0s"), empty(Kind::GatewayHeartbeat)] {
            let refused = Link::new(start).hear(start, frame);
            assert!(matches!(refused, Err(LinkError::OutOfTurn { .. })), "{refused:?}");
        }
        let mut link = Link::new(start);
        link.hear(start, empty(Kind::GatewayHello)).expect("a hello");
        let request = around(Kind::GatewayExecutorRequest, &executor_request("r", None));
        assert!(matches!(link.hear(start, request), Err(LinkError::OutOfTurn { .. })));
        let failed =
            SystemError { code: String::new(), data: None, message: "bad cron".to_owned() };
        let mut link = Link::new(start);
        link.hear(start, empty(Kind::GatewayHello)).expect("a hello");
        let refused = link.hear(start, around(Kind::SyncFailed, &failed)).expect_err("refused");
        assert_eq!(refused, LinkError::Refused("bad cron".to_owned()));
        let unreadable = link.hear(start, Bytes::from_static(&[0xff; 5]));
        assert!(matches!(unreadable, Err(LinkError::Unreadable(_))));
    }

    #[test]
    fn a_silent_gateway_is_dead_when_the_third_heartbeat_is_due() {
        let start = Instant::now();
        let mut link = open(start);
        assert_eq!(link.due(start + 9 * SECOND), Ok(vec![]));
        assert_eq!(link.due(start + 10 * SECOND), Ok(vec![Due::Heartbeat]));
        assert_eq!(link.due(start + 20 * SECOND), Ok(vec![Due::Heartbeat]));
        assert_eq!(link.due(start + 30 * SECOND), Err(LinkError::Silent(2)));
        let mut link = open(start);
        for beat in 1..10 {
            assert_eq!(link.due(start + beat * 10 * SECOND), Ok(vec![Due::Heartbeat]));
            let answer = link.hear(start + beat * 10 * SECOND, empty(Kind::GatewayHeartbeat));
            assert!(matches!(answer, Ok(Heard::Nothing)));
        }
    }

    #[test]
    fn the_status_is_sent_as_often_as_asked_and_never_more_than_every_two_seconds() {
        let start = Instant::now();
        let mut link = Link::new(start);
        link.hear(start, empty(Kind::GatewayHello)).expect("a hello");
        link.hear(start, ready("10s", "30s", "100ms")).expect("ready");
        assert_eq!(link.next(), start + 2 * SECOND);
        assert_eq!(link.due(start + 2 * SECOND), Ok(vec![Due::Status]));
        assert_eq!(link.due(start + 10 * SECOND), Ok(vec![Due::Heartbeat, Due::Status]));
    }

    #[test]
    fn intervals_that_say_nothing_get_their_defaults() {
        for text in ["", "0s", "soon"] {
            let ready = ConnectionReady {
                heartbeat_interval: text.to_owned(),
                extend_lease_interval: text.to_owned(),
                status_interval: text.to_owned(),
            };
            let intervals = Intervals::read(&ready);
            assert_eq!((intervals.heartbeat, intervals.extend_lease), (HEARTBEAT, EXTEND_LEASE));
            assert_eq!(intervals.status, None);
        }
        let mad = ConnectionReady { heartbeat_interval: "1ns".to_owned(), ..Default::default() };
        assert_eq!(Intervals::read(&mad).heartbeat, SHORTEST);
    }

    #[test]
    fn an_open_link_hears_work_and_news_and_overlooks_what_it_does_not_know() {
        let now = Instant::now();
        let mut link = open(now);
        let request = around(Kind::GatewayExecutorRequest, &executor_request("r", None));
        let heard = link.hear(now, request);
        assert!(matches!(&heard, Ok(Heard::Request(r)) if r.envelope.id() == "r"), "{heard:?}");
        let ack = around(Kind::WorkerReplyAck, &ReplyAck { request_id: "r".to_owned() });
        assert!(matches!(link.hear(now, ack), Ok(Heard::Stored(id)) if id == "r"));
        assert!(matches!(link.hear(now, empty(Kind::GatewayClosing)), Ok(Heard::Closing)));
        let lease = ExtendLeaseAck { new_lease_id: Some("l".to_owned()), ..Default::default() };
        let lease = around(Kind::WorkerRequestExtendLeaseAck, &lease);
        assert!(matches!(link.hear(now, lease), Ok(Heard::Lease(_))));
        let unknown = ConnectMessage { kind: 99, payload: Bytes::new() }.encode_to_vec();
        for frame in [unknown.into(), empty(Kind::GatewayHello), empty(Kind::WorkerPause)] {
            assert!(matches!(link.hear(now, frame), Ok(Heard::Nothing)));
        }
    }

    proptest! {
        /// Whatever bytes arrive in whatever phase, they are taken or refused.
        #[test]
        fn hearing_never_panics(open_first in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let now = Instant::now();
            let mut link = if open_first { open(now) } else { Link::new(now) };
            let _ = link.hear(now, bytes.into());
        }
    }
}
