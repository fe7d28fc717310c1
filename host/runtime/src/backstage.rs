//! What a running call needs of the worker around it, beside the runtime.

use std::sync::Arc;

use async_trait::async_trait;
use protocol::directory::Directory;
use protocol::op::{ErrorObject, Op, Retry};
use protocol::replay::Sending;
use serde_json::value::RawValue;

/// Whether the result of a step is stored, so that its function can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is, or will be before the call is answered: the function goes on.
    Kept,
    /// The call is to end here and report the step itself.
    No,
    /// It could not be stored. The call ends here; the worker reports it together with what else it holds.
    Held,
    /// The server has given the work to another call: this one must not run anything more.
    Superseded,
}

/// One call's way to its server while its function runs.
///
/// Only [`Backstage::directory`] and [`Backstage::send`] must be there: what else is left out means that no result is
/// stored before the call ends.
#[async_trait]
pub trait Backstage: Send + Sync {
    /// Where invoked functions live.
    fn directory(&self) -> Arc<Directory>;

    /// Sends events or a signal for a step, and ends with the step's result as JSON or its failure.
    async fn send(&self, sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)>;

    /// Whether results are stored while the function goes on.
    fn stores(&self) -> bool {
        false
    }

    /// Stores the result of a step while its function waits. Called only where [`Backstage::stores`] says so.
    async fn store(&self, _step: Op) -> Stored {
        Stored::No
    }

    /// Whether another step may run in this call; otherwise it is planned.
    fn has_time(&self) -> bool {
        true
    }

    /// Ends when the server has given the work to another call.
    async fn superseded(&self) {
        std::future::pending::<()>().await;
    }
}
