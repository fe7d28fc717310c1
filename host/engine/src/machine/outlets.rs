//! Where calls can go: over HTTP up to a limit, over Connect as far as workers have room.

use jiff::Timestamp;

use super::Machine;
use crate::function::is_connect;
use crate::gateway::Room;
use crate::queue::{CallId, Line, Ticket};

impl Machine {
    /// Tells who can take calls over Connect from now on. Until something is told, nobody can.
    pub(crate) fn offer(&mut self, room: Room) {
        self.room = room;
    }

    /// Takes the calls that are due and can go somewhere. Those for workers that are away or busy stay queued.
    pub(super) fn take_calls(&mut self, now: Timestamp) -> Vec<(CallId, Ticket)> {
        let (runs, apps, room) = (&self.runs, &self.apps, &mut self.room);
        let mut http = self.settings.call_concurrency.saturating_sub(self.queue.over_http());
        let line = |ticket: Ticket| {
            let run = runs.get(&ticket.run);
            let function = run.and_then(|run| apps.get(&run.app)?.function(&run.slug));
            match (run, function) {
                (Some(run), Some(function)) if is_connect(&function.url) => {
                    Line::Connect { app: run.app.clone(), slug: run.slug.clone() }
                }
                // What has no function any more fails where the call would be made.
                _ => Line::Http,
            }
        };
        self.queue.take_calls(now, line, |line| match line {
            Line::Connect { app, slug } => room.take(app, slug),
            Line::Http if http == 0 => false,
            Line::Http => {
                http -= 1;
                true
            }
        })
    }

    /// A call found nobody who could take it: it is due as before, and has cost no attempt.
    pub(crate) fn returned(&mut self, call: CallId) {
        let Some(ticket) = self.queue.ended(call) else { return };
        let run = self.runs.get(&ticket.run);
        if let Some(item) = run.and_then(|run| run.items.get(&ticket.item)) {
            self.queue.add_call(item.due, ticket);
        }
    }
}
