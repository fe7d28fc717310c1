//! When everything in a run happened: what waited, what the worker did, what a body took.
//!
//! A timeline is told of what happens and decides nothing, so a run behaves the same without it. Each span is a record of
//! its own: a run of a thousand steps is not written whole at every one of them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StepId;
use serde::{Deserialize, Serialize};

use crate::queue::ItemId;

/// What happens in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The function is called from its top, and no body runs.
    Call,
    /// A step's body.
    Body,
    /// A sleep.
    Sleep,
    /// A wait for an event.
    Event,
    /// A wait for a signal.
    Signal,
    /// Another function.
    Invoke,
    /// A request that the engine makes.
    Request,
    /// A result that a rerun took over from the run before it.
    Kept,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// As it should.
    Done,
    /// What it waited for did not come in time.
    TimedOut,
    /// It failed, and is tried again at this moment, or not at all.
    Failed { message: String, again: Option<Timestamp> },
    /// The run ended before it.
    Left,
}

/// One stretch of a run: an attempt at a step, a wait, or a call in which no step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    /// Which step; none for a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<StepId>,
    /// What people call it.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// From 0.
    pub(crate) attempt: u32,
    /// Since when it waits for its turn.
    pub(crate) queued_at: Timestamp,
    /// When its turn came: the worker was called, or the step before it in the same call had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<Timestamp>,
    /// How long the body took, as the worker measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) guest: Option<Duration>,
    /// Until when a sleep or a wait lasts at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<End>,
}

impl Span {
    /// How long it waited for its turn, up to `now` if it still does.
    pub(crate) fn queued(&self, now: Timestamp) -> Duration {
        between(self.queued_at, self.started_at.or(self.ended_at).unwrap_or(now))
    }

    /// How long it lasted from its turn on, up to `now` if it still does.
    pub(crate) fn lasted(&self, now: Timestamp) -> Duration {
        self.started_at.map_or(Duration::ZERO, |at| between(at, self.ended_at.unwrap_or(now)))
    }

    /// How much of that was the body. A clock of the worker that differs cannot make it longer than the whole.
    pub(crate) fn guest(&self, now: Timestamp) -> Duration {
        self.guest.unwrap_or_default().min(self.lasted(now))
    }

    /// How much of that was neither body nor wait: the way to the worker, a replay, storing. None for a wait.
    pub(crate) fn host(&self, now: Timestamp) -> Duration {
        match self.kind {
            Kind::Call | Kind::Body => self.lasted(now).saturating_sub(self.guest(now)),
            _ => Duration::ZERO,
        }
    }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// A call that waits or is under way.
#[derive(Debug, Clone, Copy)]
struct Call {
    queued_at: Timestamp,
    /// When the part of it began that no span has yet.
    since: Option<Timestamp>,
    /// Whether a span has told how long it was queued.
    told: bool,
}

/// What a step is called, and what it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'n> {
    pub(crate) step: StepId,
    pub(crate) name: &'n str,
    pub(crate) kind: Kind,
}

/// Everything that has happened in a run.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    spans: Vec<Span>,
    /// Which of the spans has not ended, by step.
    open: BTreeMap<StepId, usize>,
    calls: BTreeMap<ItemId, Call>,
    changed: BTreeSet<usize>,
}

impl Timeline {
    /// The spans, in the order in which they were known.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The span in which a step ended.
    pub(crate) fn last_of(&self, step: StepId) -> Option<&Span> {
        self.spans.iter().rev().find(|span| span.step == Some(step))
    }

    /// A span from the store; they come in their order.
    pub(crate) fn restore(&mut self, span: Span) {
        if let Some(step) = span.step.filter(|_| span.ended_at.is_none()) {
            self.open.insert(step, self.spans.len());
        }
        self.spans.push(span);
    }

    /// What has to be stored: the place and the span.
    pub(crate) fn take_changed(&mut self) -> impl Iterator<Item = (usize, &Span)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().filter_map(|at| Some((at, self.spans.get(at)?)))
    }

    /// A call waits from now on.
    pub(crate) fn queued(&mut self, item: ItemId, now: Timestamp) {
        self.calls.insert(item, Call { queued_at: now, since: None, told: false });
    }

    /// A call goes out; for a step that was planned, or for the function.
    pub(crate) fn dispatched(&mut self, item: ItemId, step: Option<StepId>, now: Timestamp) {
        let call =
            self.calls.entry(item).or_insert(Call { queued_at: now, since: None, told: false });
        call.since = Some(now);
        let open = step.and_then(|step| self.open.get(&step).copied());
        if let Some((at, span)) = open.and_then(|at| Some((at, self.spans.get_mut(at)?))) {
            span.started_at = Some(now);
            call.told = true;
            self.changed.insert(at);
        }
    }

    /// A step waits for a call of its own.
    pub(crate) fn planned(&mut self, named: Named<'_>, now: Timestamp) {
        self.push(span(named, 0, now));
    }

    /// A sleep, a wait or a request has begun.
    pub(crate) fn began(&mut self, named: Named<'_>, until: Option<Timestamp>, now: Timestamp) {
        let open = self.open.get(&named.step).copied();
        match open.and_then(|at| Some((at, self.spans.get_mut(at)?))) {
            // It was planned as a step, and its call has said what it is.
            Some((at, span)) => {
                (span.kind, span.until) = (named.kind, until);
                self.changed.insert(at);
            }
            None => {
                self.push(Span { started_at: Some(now), until, ..span(named, 0, now) });
            }
        }
    }

    /// A body has ended within a call.
    pub(crate) fn ran(
        &mut self,
        item: ItemId,
        named: Named<'_>,
        attempt: u32,
        guest: Option<Duration>,
        end: End,
        now: Timestamp,
    ) {
        let at = match self.open.get(&named.step) {
            Some(at) => *at,
            None => self.push(span(named, attempt, now)),
        };
        let Some(span) = self.spans.get_mut(at) else { return };
        if let Some(call) = self.calls.get_mut(&item) {
            let since = call.since.unwrap_or(now);
            if span.started_at.is_none() {
                // The wait of the call is told with what it did first.
                span.queued_at = if call.told { since } else { call.queued_at.min(since) };
                span.started_at = Some(since);
            }
            (call.told, call.since) = (true, Some(now));
        }
        span.attempt = attempt;
        span.guest = guest;
        self.close(at, end, now);
    }

    /// A step that failed waits for its next attempt.
    pub(crate) fn again(&mut self, named: Named<'_>, attempt: u32, now: Timestamp) {
        if !self.open.contains_key(&named.step) {
            self.push(span(named, attempt, now));
        }
    }

    /// Whatever was open of a step has ended.
    pub(crate) fn ended(&mut self, step: StepId, end: End, now: Timestamp) {
        if let Some(at) = self.open.get(&step).copied() {
            let late =
                self.spans.get(at).and_then(|span| span.until).is_some_and(|until| until <= now);
            let waits = self.spans.get(at).is_some_and(|span| span.kind != Kind::Sleep);
            let end = if late && waits && end == End::Done { End::TimedOut } else { end };
            self.close(at, end, now);
        }
    }

    /// A call has been answered. It gets a span of its own when no body ended in it, and for what the function did after
    /// the last of them if that ended the run.
    pub(crate) fn answered(
        &mut self,
        item: ItemId,
        function: &str,
        attempt: u32,
        end: Option<End>,
        now: Timestamp,
    ) {
        let Some(call) = self.calls.remove(&item) else { return };
        if call.told && end.is_none() {
            return;
        }
        let since = call.since.unwrap_or(now);
        self.push(Span {
            step: None,
            name: function.to_owned(),
            kind: Kind::Call,
            attempt,
            queued_at: if call.told { since } else { call.queued_at.min(since) },
            started_at: Some(since),
            ended_at: Some(now),
            guest: None,
            until: None,
            end: Some(end.unwrap_or(End::Done)),
        });
    }

    /// A call has failed, with nothing told of the step that it was for. If it is made again, that step waits for it.
    pub(crate) fn failed(
        &mut self,
        item: ItemId,
        step: Option<StepId>,
        function: &str,
        attempt: u32,
        end: End,
        now: Timestamp,
    ) {
        let again = matches!(end, End::Failed { again: Some(_), .. });
        let open = step.and_then(|step| self.open.get(&step).copied());
        if let Some((at, open)) = open.and_then(|at| Some((at, self.spans.get(at)?.clone()))) {
            self.calls.remove(&item);
            self.close(at, end, now);
            if let Some(step) = step.filter(|_| again) {
                self.push(span(
                    Named { step, name: &open.name, kind: open.kind },
                    attempt + 1,
                    now,
                ));
            }
        } else {
            self.answered(item, function, attempt, Some(end), now);
        }
        if again {
            self.queued(item, now);
        }
    }

    /// A rerun takes a result over.
    pub(crate) fn kept(&mut self, step: StepId, name: &str, now: Timestamp) {
        let named = Named { step, name, kind: Kind::Kept };
        let at = self.push(Span { started_at: Some(now), ..span(named, 0, now) });
        self.close(at, End::Done, now);
    }

    /// The run has ended, and with it whatever was still open.
    pub(crate) fn over(&mut self, now: Timestamp) {
        for at in self.open.values().copied().collect::<Vec<_>>() {
            self.close(at, End::Left, now);
        }
        self.calls.clear();
    }

    fn push(&mut self, span: Span) -> usize {
        let at = self.spans.len();
        if let Some(step) = span.step {
            self.open.insert(step, at);
        }
        self.spans.push(span);
        self.changed.insert(at);
        at
    }

    fn close(&mut self, at: usize, end: End, now: Timestamp) {
        let Some(span) = self.spans.get_mut(at) else { return };
        span.ended_at = Some(now);
        span.end = Some(end);
        if let Some(step) = span.step {
            self.open.remove(&step);
        }
        self.changed.insert(at);
    }
}

/// A span that waits.
fn span(named: Named<'_>, attempt: u32, now: Timestamp) -> Span {
    Span {
        step: Some(named.step),
        name: named.name.to_owned(),
        kind: named.kind,
        attempt,
        queued_at: now,
        started_at: None,
        ended_at: None,
        guest: None,
        until: None,
        end: None,
    }
}
