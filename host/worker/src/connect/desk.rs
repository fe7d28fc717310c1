//! The one owner of everything about Connect: the connections, the calls taken, the replies not stored yet.
//!
//! It runs on a thread of its own and decides; sockets, calls and requests to the server are tasks that tell it what
//! happened. What to decide is mostly `protocol::connect`'s business: the [`Book`] knows leases and replies, the
//! [`Backoff`] the pauses.

mod calls;
mod lines;
mod stop;
mod succession;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::connect::backoff::Backoff;
use protocol::connect::book::Book;
use protocol::connect::request::Envelope;
use protocol::reply::Reply;
use protocol::sync::{Announced, Conflict, HeldFunction};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use self::lines::Held;
use self::stop::Stopping;
use super::flush::Flushed;
use super::journal::Journal;
use super::line::{Dialler, LineId, LineNews};
use super::told::Told;
use super::work::Work;
use crate::server_api::{ApiError, ServerApi};
use crate::sync::{Payloads, SyncState};

/// What happened.
#[derive(Debug)]
enum News {
    Line(LineId, LineNews),
    Answered(String, Reply),
    Flushed(Flushed),
    /// Which functions the server has, as it says, and who else has some of ours.
    Has(Result<Vec<HeldFunction>, ApiError>, Vec<Conflict>),
}

/// What the desk is made of.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) payloads: Payloads,
    pub(super) announced: watch::Receiver<Arc<Announced>>,
    pub(super) dialler: Dialler,
    pub(super) api: ServerApi,
    pub(super) work: Work,
    pub(super) concurrency: usize,
    pub(super) journal: Option<Journal>,
    pub(super) left: Vec<Envelope>,
    pub(super) reply_ack: Duration,
    pub(super) look_again: Duration,
    pub(super) drain: Duration,
    pub(super) state: watch::Sender<SyncState>,
}

/// The desk.
#[derive(Debug)]
pub(super) struct Desk {
    setup: Setup,
    /// What the server should have.
    wanted: Arc<Told>,
    /// How often others were in the way of that.
    blocked: usize,
    book: Book,
    /// The calls that run, to abort them.
    running: HashMap<String, AbortHandle>,
    lines: Vec<Held>,
    dialled: LineId,
    dial_at: Instant,
    backoff: Backoff,
    /// Groups of gateways that are about to leave.
    exclude: Vec<String>,
    flushing: bool,
    flush_at: Instant,
    flush_backoff: Backoff,
    look_at: Option<Instant>,
    stopping: Option<Stopping>,
    // Unbounded, since those who tell are bounded: by what runs, and by what one socket delivers between two turns of
    // this thread.
    tell: mpsc::UnboundedSender<News>,
    inbox: mpsc::UnboundedReceiver<News>,
}

impl Desk {
    pub(super) fn new(setup: Setup) -> Self {
        let (tell, inbox) = mpsc::unbounded_channel();
        let now = Instant::now();
        let announced = Arc::clone(&setup.announced.borrow());
        Self {
            wanted: Arc::new(Told::new(&setup.payloads, announced)),
            blocked: 0,
            book: Book::new(setup.reply_ack),
            setup,
            running: HashMap::new(),
            lines: Vec::new(),
            dialled: 0,
            dial_at: now,
            backoff: Backoff::default(),
            exclude: Vec::new(),
            flushing: false,
            flush_at: now,
            flush_backoff: Backoff::default(),
            look_at: None,
            stopping: None,
            tell,
            inbox,
        }
    }

    /// Works until it is told to stop, and then until everything is answered or time is up.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        self.give_back_what_was_left();
        loop {
            let now = Instant::now();
            self.tick(now);
            if self.is_done(now) {
                break;
            }
            let wake = self.next();
            tokio::select! {
                news = self.inbox.recv() => if let Some(news) = news { self.hear(news) },
                () = tokio::time::sleep_until(wake.into()) => {}
                Ok(()) = self.setup.announced.changed() => self.announce(Instant::now()),
                () = stop.cancelled(), if self.stopping.is_none() => self.stop(Instant::now()),
            }
        }
        self.leave().await;
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Line(id, news) => self.line_news(id, news),
            News::Answered(id, reply) => self.answered(&id, reply),
            News::Flushed(flushed) => self.flushed(flushed),
            News::Has(answer, conflicts) => self.compare(answer, conflicts),
        }
    }

    /// Does what is due.
    fn tick(&mut self, now: Instant) {
        self.stop_further(now);
        if self.open_line().is_some() {
            self.extend_leases(now);
        }
        let overdue = self.book.overdue(now);
        if overdue > 0 {
            tracing::warn!(
                replies = overdue,
                "the gateway did not say that it has stored replies; handing them over by HTTP"
            );
            self.flush_at = now;
        }
        self.flush(now);
        self.settle(now);
        self.dial(now);
        self.look(now);
    }

    /// When something will be due, if nothing happens before.
    fn next(&self) -> Instant {
        // Nothing at all to wait for: the moment does not matter.
        let idle = Instant::now() + Duration::from_mins(1);
        let moments = [
            self.open_line().and_then(|_| self.book.next()),
            self.wants_flush().then_some(self.flush_at),
            self.wants_line().then_some(self.dial_at),
            self.settles_at(),
            self.open_line().and(self.look_at).filter(|_| self.stopping.is_none()),
            self.stopping.as_ref().map(Stopping::next),
        ];
        moments.into_iter().flatten().min().unwrap_or(idle)
    }

    fn teller(&self) -> impl Fn(News) + Send + Sync + 'static + use<> {
        let tell = self.tell.clone();
        // It fails when the desk is gone, and then nobody wants to know.
        move |news| drop(tell.send(news))
    }
}
