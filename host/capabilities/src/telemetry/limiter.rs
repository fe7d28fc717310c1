//! How many records of the level `debug` are kept: so many for each key and minute, and the rest is dropped.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How many of one key are kept in a minute.
const MOST: u32 = 12;

/// The minute.
const WINDOW: Duration = Duration::from_mins(1);

/// How many keys are remembered. Guests choose the keys: beyond this the oldest windows are forgotten.
const KEYS: usize = 4096;

/// What was kept of each key in its present minute.
#[derive(Debug, Default)]
pub(super) struct Limiter(HashMap<String, (Instant, u32)>);

impl Limiter {
    /// Whether one more of this key may be kept at this moment.
    pub(super) fn admits(&mut self, key: &str, now: Instant) -> bool {
        if let Some((began, count)) = self.0.get_mut(key) {
            if now.saturating_duration_since(*began) < WINDOW {
                *count = count.saturating_add(1);
                return *count <= MOST;
            }
            (*began, *count) = (now, 1);
            return true;
        }
        if self.0.len() >= KEYS {
            self.0.retain(|_, (began, _)| now.saturating_duration_since(*began) < WINDOW);
        }
        // All of them are of this minute: whoever makes up so many keys gets no more of them.
        if self.0.len() >= KEYS {
            return false;
        }
        self.0.insert(key.to_owned(), (now, 1));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_a_minute_are_kept_of_each_key() {
        let mut limiter = Limiter::default();
        let start = Instant::now();
        let kept = |limiter: &mut Limiter, key: &str, at: u64, times: u32| {
            let now = start + Duration::from_secs(at);
            (0..times).filter(|_| limiter.admits(key, now)).count()
        };
        assert_eq!(kept(&mut limiter, "a", 0, 20), 12);
        assert_eq!(kept(&mut limiter, "b", 1, 5), 5, "another key has its own");
        assert_eq!(kept(&mut limiter, "a", 59, 5), 0, "still the same minute");
        assert_eq!(kept(&mut limiter, "a", 60, 13), 12, "the next one");
        assert_eq!(kept(&mut limiter, "b", 61, 13), 12);
    }

    #[test]
    fn keys_that_a_guest_makes_up_do_not_fill_the_memory() {
        let mut limiter = Limiter::default();
        let start = Instant::now();
        let kept = (0..KEYS + 100).filter(|key| limiter.admits(&key.to_string(), start)).count();
        assert_eq!((kept, limiter.0.len()), (KEYS, KEYS));
        assert!(limiter.admits("later", start + WINDOW));
        assert_eq!(limiter.0.len(), 1, "what is over is forgotten");
    }
}
