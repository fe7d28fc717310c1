//! Running the calls: on the program's own threads, so that nothing they do keeps the connection from its heartbeats.

use std::sync::Arc;

use protocol::connect::request::Request;
use protocol::op::ErrorObject;
use protocol::reply::Reply;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::drain::Drain;
use crate::handle::{self, Worker};

/// Where calls run.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) threads: Handle,
    pub(super) worker: Arc<Worker>,
    pub(super) drain: Drain,
    /// One for each call that may run at once.
    pub(super) slots: Arc<Semaphore>,
}

impl Work {
    /// Runs a call as soon as there is a slot. `tell` is given the reply, unless the call is aborted.
    pub(super) fn begin(
        &self,
        request: Request,
        tell: impl FnOnce(Reply) + Send + 'static,
    ) -> AbortHandle {
        let this = self.clone();
        let running = self.threads.spawn(async move {
            let route = match request.envelope.route() {
                Ok(route) => route,
                Err(error) => return handle::undecodable(&error),
            };
            // The semaphore is never closed; if it were, the call would still be better run than lost.
            let _slot = this.slots.acquire_owned().await;
            let trace = request.envelope.trace();
            this.drain.answer(&this.worker, route, &request.body, trace).await
        });
        let abort = running.abort_handle();
        // It ends with the call.
        tokio::spawn(async move {
            match running.await {
                Ok(reply) => tell(reply),
                Err(error) if error.is_cancelled() => {}
                Err(error) => {
                    tracing::error!(%error, "a call panicked; this is a fault of the worker");
                    let message = format!("the worker failed while it ran this call: {error}");
                    tell(Reply::refused(500, &ErrorObject::new("WorkerPanic", message)));
                }
            }
        });
        abort
    }
}
