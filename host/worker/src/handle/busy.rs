//! How long a future keeps a processor busy, as against how long it takes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A future, and for how long it was polled so far. Of a guest this is what it computes, with what the host does for it
/// without waiting.
pub(super) struct Busy<F> {
    inner: F,
    busy: Duration,
}

impl<F> Busy<F> {
    pub(super) fn new(inner: F) -> Self {
        Self { inner, busy: Duration::ZERO }
    }

    pub(super) fn busy(&self) -> Duration {
        self.busy
    }
}

impl<F: Future + Unpin> Future for Busy<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = Instant::now();
        let polled = Pin::new(&mut self.inner).poll(context);
        self.busy += began.elapsed();
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_does_not_count() {
        let mut waits = Busy::new(Box::pin(tokio::time::sleep(Duration::from_millis(200))));
        (&mut waits).await;
        assert!(waits.busy() < Duration::from_millis(100), "{:?}", waits.busy());
        let mut works = Busy::new(Box::pin(async {
            std::thread::sleep(Duration::from_millis(20));
        }));
        (&mut works).await;
        assert!(works.busy() >= Duration::from_millis(20), "{:?}", works.busy());
    }
}
