//! How long to wait before dialling again.

use std::time::Duration;

/// Seconds before the first, second, … attempt; the last repeats.
const SECONDS: [u64; 9] = [1, 2, 5, 10, 20, 30, 60, 120, 300];

/// Counts failures in a row, and turns them into pauses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: usize,
}

impl Backoff {
    /// The pause before the next attempt, between half of the table's value and the whole of it.
    ///
    /// `jitter` is random in 0 to 1: a hundred workers whose gateway went away must not come back in one moment.
    ///
    /// ```
    /// use std::time::Duration;
    /// use protocol::connect::backoff::Backoff;
    ///
    /// let mut backoff = Backoff::default();
    /// assert_eq!(backoff.failed(1.0), Duration::from_secs(1));
    /// assert_eq!(backoff.failed(0.0), Duration::from_secs(1));
    /// assert_eq!(backoff.failed(1.0), Duration::from_secs(5));
    /// ```
    pub fn failed(&mut self, jitter: f64) -> Duration {
        let seconds = SECONDS[self.failures.min(SECONDS.len() - 1)];
        self.failures = self.failures.saturating_add(1);
        Duration::from_secs(seconds).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }

    /// The connection has proved itself: the next failure is a first one.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Repeating soon is pointless, because somebody has to change something: as if several attempts had failed.
    pub fn hopeless(&mut self) {
        self.failures = self.failures.max(6);
    }

    /// How many attempts have failed in a row.
    pub fn failures(&self) -> usize {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_along_the_table_and_start_over_after_success() {
        let mut backoff = Backoff::default();
        let whole: Vec<_> = (0..11).map(|_| backoff.failed(1.0).as_secs()).collect();
        assert_eq!(whole, [1, 2, 5, 10, 20, 30, 60, 120, 300, 300, 300]);
        backoff.succeeded();
        assert_eq!(backoff.failed(0.0), Duration::from_millis(500));
        assert_eq!(backoff.failed(0.5), Duration::from_millis(1500));
        // What is not a share is one.
        assert_eq!(backoff.failed(7.0), Duration::from_secs(5));
        backoff.hopeless();
        assert_eq!(backoff.failed(1.0), Duration::from_mins(1));
    }
}
