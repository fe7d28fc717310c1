//! The desk's end.

use std::time::{Duration, Instant};

use super::{Desk, News};
use crate::connect::line::LineNews;
use crate::drain::Drain;

/// How long replies may take on their way after nothing runs any more.
const LAST_REPLIES: Duration = Duration::from_secs(3);

/// How long the connections may take to close.
const GOODBYE: Duration = Duration::from_millis(1_500);

/// The moments of an orderly end.
#[derive(Debug)]
pub(super) struct Stopping {
    hand_back: Instant,
    abort: Instant,
    end: Instant,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Calls may finish.
    Draining,
    /// Calls that can be handed back are.
    HandingBack,
    /// Nothing runs; replies may still go out.
    Over,
}

impl Stopping {
    pub(super) fn next(&self) -> Instant {
        match self.step {
            Step::Draining => self.hand_back,
            Step::HandingBack => self.abort,
            Step::Over => self.end,
        }
    }
}

impl Desk {
    /// Takes no more calls, and lets those that run finish.
    pub(super) fn stop(&mut self, now: Instant) {
        let drain = self.setup.drain;
        tracing::info!(running = self.running.len(), "taking no more calls");
        self.stopping = Some(Stopping {
            hand_back: now + Drain::patience(drain),
            abort: now + drain,
            end: now + drain + LAST_REPLIES,
            step: Step::Draining,
        });
        self.pause();
        self.stand_down();
    }

    pub(super) fn stop_further(&mut self, now: Instant) {
        let Some(stopping) = &mut self.stopping else { return };
        if stopping.step == Step::Draining && now >= stopping.hand_back {
            stopping.step = Step::HandingBack;
            self.setup.work.drain.hand_back();
        }
        if stopping.step == Step::HandingBack && now >= stopping.abort {
            stopping.step = Step::Over;
            for (id, running) in self.running.drain() {
                tracing::warn!(
                    request = id,
                    "a call in its last attempt did not end in time; it is lost"
                );
                running.abort();
                self.book.forget(&id);
            }
            // No time to wait for acknowledgements.
            self.book.disconnected();
            self.flush_at = now;
        }
    }

    pub(super) fn is_done(&self, now: Instant) -> bool {
        self.stopping.as_ref().is_some_and(|stopping| self.book.is_empty() || now >= stopping.end)
    }

    /// Closes the connections, and waits a moment for that to be answered.
    pub(super) async fn leave(mut self) {
        if !self.book.is_empty() {
            tracing::warn!(
                replies = self.book.unsent().len(),
                "some replies could not be handed over; the server will make their calls again"
            );
        }
        self.close_all();
        let closed = async {
            while !self.lines.is_empty() {
                match self.inbox.recv().await {
                    Some(News::Line(id, news @ LineNews::Ended(_))) => self.line_news(id, news),
                    Some(_) => {}
                    None => return,
                }
            }
        };
        // Whatever has not closed by then is torn when the lines are dropped.
        drop(tokio::time::timeout(GOODBYE, closed).await);
    }
}
