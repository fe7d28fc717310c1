//! Until when a guest may go on, seen from inside of its call and from outside.
//!
//! A guest that computes is stopped by the engine's clock. One that waits for the host computes nothing, so the call
//! around it looks at the same deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One call's deadline. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    began: Instant,
    /// Milliseconds after `began`.
    after: Arc<AtomicU64>,
}

/// How much longer the outer look waits: a guest that computes past the deadline is stopped first, by the engine, which
/// can name the line.
const GRACE: Duration = Duration::from_millis(100);

impl Deadline {
    /// A deadline this long from now.
    pub(crate) fn within(limit: Duration) -> Self {
        let deadline = Self { began: Instant::now(), after: Arc::default() };
        deadline.renew(limit);
        deadline
    }

    /// Moves it to this long from now.
    pub(crate) fn renew(&self, limit: Duration) {
        let after = self.began.elapsed().saturating_add(limit).as_millis();
        // One call is one thread at a time; whoever looks from outside only needs to see it some time.
        self.after.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether it has passed.
    pub(crate) fn has_passed(&self) -> bool {
        self.left() == Duration::ZERO
    }

    /// Ends when it has passed, however often it is moved meanwhile.
    pub(crate) async fn passed(&self) {
        loop {
            match self.left() {
                Duration::ZERO => {
                    tokio::time::sleep(GRACE).await;
                    if self.has_passed() {
                        return;
                    }
                }
                left => tokio::time::sleep(left).await,
            }
        }
    }

    /// How long it is until then.
    pub(crate) fn left(&self) -> Duration {
        let after = Duration::from_millis(self.after.load(Ordering::Relaxed));
        after.saturating_sub(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_that_is_moved_passes_later() {
        let deadline = Deadline::within(Duration::ZERO);
        assert!(deadline.has_passed());
        deadline.renew(Duration::from_hours(1));
        assert!(!deadline.has_passed());
        let seen = deadline.clone();
        let waits = tokio::spawn(async move { seen.passed().await });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        waits.abort();
        deadline.renew(Duration::ZERO);
        deadline.passed().await;
    }
}
