//! Whether the call that waits for blocking work still does.
//!
//! Work on a thread cannot be dropped as a future can. It looks here between its parts, and last of all before it changes
//! anything, so that nothing happens in the name of a call that has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::refusal::{Answer, Reason, Refusal};

/// Held by the work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Going(Arc<AtomicBool>);

/// Held by the one who waits for it.
struct Waits(Going);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Going {
    /// Refuses to go on where nobody waits any more.
    pub(crate) fn check(&self) -> Answer<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Refusal::new(
                Reason::Late,
                "the call that asked for this has ended; nothing was changed after its end",
            ));
        }
        Ok(())
    }
}

/// Does this on a thread that may block, and waits for it. Raises what is a fault of the worker's own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce(&Going) -> Answer<T> + Send + 'static,
) -> wasmtime::Result<Answer<T>> {
    let going = Going::default();
    let waits = Waits(going.clone());
    let done = tokio::task::spawn_blocking(move || going.check().and_then(|()| work(&going))).await;
    drop(waits);
    done.map_err(wasmtime::Error::from)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_hears_that_nobody_waits_for_it() {
        let (begun, has_begun) = mpsc::channel();
        let (dropped, was_dropped) = mpsc::channel();
        let (said, heard) = mpsc::channel();
        let waiting = tokio::spawn(blocking(move |going| {
            let before = going.check().is_ok();
            begun.send(()).expect("somebody listens");
            was_dropped.recv().expect("a word");
            said.send((before, going.check())).expect("somebody listens");
            Ok(())
        }));
        tokio::task::spawn_blocking(move || has_begun.recv()).await.expect("a thread").expect("on");
        waiting.abort();
        assert!(waiting.await.expect_err("aborted").is_cancelled());
        dropped.send(()).expect("it listens");
        let (before, after) = heard.recv().expect("a word");
        assert!(before);
        assert_eq!(after.expect_err("too late").reason, Reason::Late);
    }
}
