//! Where calls can go: over HTTP up to a limit, over Connect as far as workers have room, and as many as the flow
//! control of their function allows.

use jiff::Timestamp;

use super::Machine;
use crate::flow::Start;
use crate::function::is_connect;
use crate::gateway::Room;
use crate::queue::{CallId, Outlet, Ticket, Way};
use crate::run::Run;

impl Machine {
    /// Tells who can take calls over Connect from now on. Until something is told, nobody can.
    pub(crate) fn offer(&mut self, room: Room) {
        self.room = room;
        self.queue.room_changed();
    }

    /// Takes the calls that are due and can go somewhere. Those for workers that are away or busy stay queued.
    pub(super) fn take_calls(&mut self, now: Timestamp) -> Vec<(CallId, Ticket)> {
        let (runs, apps, room) = (&self.runs, &self.apps, &mut self.room);
        let mut http = self.settings.call_concurrency.saturating_sub(self.queue.over_http());
        if http > 0 {
            self.queue.http_has_place();
        }
        let way = |ticket: Ticket| {
            let run = runs.get(&ticket.run);
            let function = run.and_then(|run| apps.get(&run.app)?.function(&run.slug));
            let (Some(run), Some(function)) = (run, function) else {
                // What has no function any more fails where the call would be made.
                return (Way { outlet: Outlet::Http, needs: Vec::new() }, 0);
            };
            let outlet = if is_connect(&function.url) {
                Outlet::Connect { app: run.app.clone(), slug: run.slug.clone() }
            } else {
                Outlet::Http
            };
            let start = if run.started_at.is_none() { Start::First } else { Start::Later };
            let needs = run.keys.needs(&function.rules.flow, &function.uuid, start);
            (Way { outlet, needs }, rank(run))
        };
        let has_place = |outlet: &Outlet| match outlet {
            Outlet::Connect { app, slug } => room.take(app, slug),
            Outlet::Http if http == 0 => false,
            Outlet::Http => {
                http -= 1;
                true
            }
        };
        self.queue.take_calls(now, way, has_place, &mut self.meters)
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

/// In which order runs go on, in milliseconds: those that came first, and those of a higher priority as if they had come
/// so many seconds earlier.
fn rank(run: &Run) -> i64 {
    run.queued_at.as_millisecond() - run.keys.priority * 1000
}
