//! What a call wants to have recorded: once, not once in every replay.
//!
//! It goes as log lines do. What is recorded outside of step bodies is held back; when a memo resolves it is dropped,
//! since an earlier call got at least as far; what is held when a body begins or the call ends is new.

use std::fmt;

/// Something to be recorded, once it is known to be new.
type Record = Box<dyn FnOnce() + Send>;

/// How many records one call may hold back. Further ones are dropped.
const MOST: usize = 1024;

/// What one call holds back.
#[derive(Default)]
pub(crate) struct Records(Vec<Record>);

impl Records {
    /// Records now in a body, and otherwise when it turns out to be new.
    pub(crate) fn add(&mut self, in_step: bool, record: impl FnOnce() + Send + 'static) {
        if in_step {
            record();
        } else if self.0.len() < MOST {
            self.0.push(Box::new(record));
        }
    }

    /// A memo has resolved: what is held was recorded by an earlier call.
    pub(crate) fn replayed(&mut self) {
        self.0.clear();
    }

    /// A body begins, or the call has ended: what is held is new.
    pub(crate) fn flush(&mut self) {
        for record in self.0.drain(..) {
            record();
        }
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Records").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn what_an_earlier_call_has_recorded_is_dropped_and_the_rest_is_not() {
        let count = Arc::new(AtomicU32::new(0));
        let record = |by: u32| {
            let count = Arc::clone(&count);
            move || {
                count.fetch_add(by, Ordering::Relaxed);
            }
        };
        let mut records = Records::default();
        records.add(true, record(1));
        assert_eq!(count.load(Ordering::Relaxed), 1, "at once in a body");
        records.add(false, record(10));
        records.replayed();
        records.add(false, record(100));
        assert_eq!(count.load(Ordering::Relaxed), 1, "held back outside");
        records.flush();
        records.flush();
        assert_eq!(count.load(Ordering::Relaxed), 101);
        for _ in 0..=MOST {
            records.add(false, record(1));
        }
        records.flush();
        assert_eq!(count.load(Ordering::Relaxed), 101 + 1024, "no more than so many");
    }
}
