//! Drives one call: polls the function until nothing moves, then asks the host.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use jiff::Timestamp;
use serde::Serialize;

use crate::call::{Call, Input};
use crate::context::Ctx;
use crate::declare::Function;
use crate::error::{Error, Result};
use crate::io::reactor;
use crate::replay::{Facts, Host, Replay};

/// Runs a function from its top, to its end or to wherever the host ends the call.
pub(crate) fn run<F: Function>(
    host: Rc<dyn Host>,
    call: String,
    now: Option<Timestamp>,
) -> Result<String> {
    let decoded = Call::decode(&call)?;
    let input = F::Input::decode_call(&decoded.event, &call)?;
    let (run_id, attempt) = (decoded.run_id.into_owned(), decoded.attempt);
    let facts = Facts { run_id, attempt, max_attempts: decoded.max_attempts, call, now };
    let replay = Rc::new(Replay::new(host, facts));

    let mut function = pin!(F::call(Ctx::new(Rc::clone(&replay)), input));
    let mut poller = Poller::default();
    loop {
        if let Poll::Ready(end) = poller.poll(function.as_mut()) {
            return encode(&end?, "the function's result");
        }
        if let Some(step) = replay.neglected() {
            panic!(
                "step `{step}` is due and nothing polls it: whatever holds a step must poll it \
                 each time it is polled itself, or drop it"
            );
        }
        replay.ask();
    }
}

/// Runs the body of a step to its end, while nothing else of the function moves.
pub(crate) fn run_body<T>(step: &str, body: impl Future<Output = T>) -> T {
    let mut body = pin!(body);
    let mut poller = Poller::default();
    loop {
        if let Poll::Ready(end) = poller.poll(body.as_mut()) {
            return end;
        }
        assert!(
            reactor::wait(),
            "the body of step `{step}` waits for something that cannot happen inside a body: only \
             calls made through `io` can be waited for"
        );
    }
}

pub(crate) fn encode(value: &impl Serialize, what: &str) -> Result<String> {
    serde_json::to_string(value).map_err(|problem| {
        Error::stop(format!("{what} has no JSON form: {problem}")).named("EncodeError")
    })
}

/// Polls a future until it rests: ended, or pending with nobody having woken it.
struct Poller {
    woken: Arc<Woken>,
    waker: Waker,
}

impl Default for Poller {
    fn default() -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        Self { waker: Waker::from(Arc::clone(&woken)), woken }
    }
}

impl Poller {
    fn poll<F: Future>(&mut self, mut future: Pin<&mut F>) -> Poll<F::Output> {
        let mut context = Context::from_waker(&self.waker);
        loop {
            self.woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(end) = future.as_mut().poll(&mut context) {
                return Poll::Ready(end);
            }
            if !self.woken.0.load(Ordering::Relaxed) {
                return Poll::Pending;
            }
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
