//! When a secret that lasts for a while is asked for again: the pure part.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause after a failed renewal, at most; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A secret that lasts for a while.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    lasts: Duration,
    /// When it was asked for last with success.
    since: Instant,
    failures: u32,
    due: Instant,
}

impl Lease {
    /// It was read when the asking began at `now`.
    pub(super) fn new(lasts: Duration, now: Instant) -> Self {
        Self { lasts, since: now, failures: 0, due: now + lasts * 2 / 3 }
    }

    /// It was read again; the asking began at `now`.
    pub(super) fn renewed(&self, now: Instant) -> Self {
        Self::new(self.lasts, now)
    }

    /// When it is to be asked for, or looked at, next.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Whether its value is worth nothing any more.
    pub(super) fn has_expired(&self, now: Instant) -> bool {
        now >= self.end()
    }

    /// It could not be read at `now`.
    pub(super) fn failed(&mut self, now: Instant) {
        let first = FIRST_PAUSE.min(self.lasts / 12);
        let pause = first.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.due = now + pause;
        if now < self.end() {
            // Whoever waits for it hears of its end in time.
            self.due = self.due.min(self.end());
        }
    }

    /// When its value is worth nothing any more.
    fn end(&self) -> Instant {
        self.since + self.lasts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_renewed_at_two_thirds_and_expires_at_its_end() {
        let now = Instant::now();
        let lease = Lease::new(Duration::from_hours(1), now);
        assert_eq!(lease.due(), now + Duration::from_mins(40));
        assert!(!lease.has_expired(now + Duration::from_mins(59)));
        assert!(lease.has_expired(now + Duration::from_hours(1)));
    }

    #[test]
    fn pauses_grow_up_to_a_minute() {
        let now = Instant::now();
        let mut lease = Lease::new(Duration::from_hours(24), now);
        let mut at = lease.due();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            lease.failed(at);
            pauses.push((lease.due() - at).as_secs());
            at = lease.due();
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn the_end_is_not_slept_through() {
        let now = Instant::now();
        let mut lease = Lease::new(Duration::from_secs(12), now);
        let late = now + Duration::from_millis(11_500);
        lease.failed(late);
        assert_eq!(lease.due(), now + Duration::from_secs(12));
    }
}
