//! The end of a worker's life: calls that run get some time, and what is not done then is handed back to the server.

use std::time::Duration;

use bytes::Bytes;
use protocol::call::{Call, Route};
use protocol::handback::hand_back;
use protocol::reply::Reply;
use protocol::signature::Verified;
use protocol::trace::TraceContext;
use tokio_util::sync::CancellationToken;

use crate::chance;
use crate::handle::Worker;

/// What a call that is handed back says.
pub(crate) const REASON: &str = "the worker stopped before it was done";

/// Answers calls, until it is told to hand back those that still run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drain {
    over: CancellationToken,
}

impl Drain {
    /// The share of the time to stop in which every call may finish. What is left of it belongs to the calls that cannot
    /// be handed back, and to the replies on their way.
    pub(crate) fn patience(all: Duration) -> Duration {
        all * 4 / 5
    }

    /// From now on running calls are handed back, where that does no harm.
    pub(crate) fn hand_back(&self) {
        self.over.cancel();
    }

    /// Answers a call like [`Worker::answer`], or hands it back when the time is over. A call that cannot be handed back,
    /// because its last attempt would be lost, goes on.
    pub(crate) async fn answer(
        &self,
        worker: &Worker,
        route: Route,
        body: &Verified<Bytes>,
        trace: Option<TraceContext>,
    ) -> Reply {
        if self.over.is_cancelled()
            && let Some(reply) = back(route.clone(), body)
        {
            return reply;
        }
        let again = route.clone();
        let answer = worker.answer(route, body, trace);
        tokio::pin!(answer);
        tokio::select! {
            biased;
            reply = &mut answer => return reply,
            () = self.over.cancelled() => {}
        }
        match back(again, body) {
            Some(reply) => reply,
            None => answer.await,
        }
    }
}

fn back(route: Route, body: &Verified<Bytes>) -> Option<Reply> {
    let call = Call::decode(route, body).ok()?;
    tracing::info!(run = %call.run, function = call.route.slug, "handing a running call back to the server");
    hand_back(call.route.target.as_ref(), call.terms(), &chance::word(), REASON)
}
