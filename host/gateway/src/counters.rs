//! What came and what became of it, by provider.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use serde::Serialize;

/// The bounds of the histogram of how long deliveries take to the server, in seconds.
const BOUNDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0, 60.0];

/// The provider, as a label.
pub(crate) type Of = [(&'static str, String); 1];

/// How long events took from their receipt to the server's acceptance, by provider.
pub(crate) type Took = Family<Of, Histogram, fn() -> Histogram>;

/// What came and what became of it. There are few providers and few words, so it stays small.
#[derive(Debug)]
pub struct Counters {
    all: Mutex<BTreeMap<String, Counted>>,
    took: Took,
}

impl Default for Counters {
    fn default() -> Self {
        let took = Took::new_with_constructor(|| Histogram::new(BOUNDS));
        Self { all: Mutex::default(), took }
    }
}

/// What came for one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Verdict → how often: `accepted`, `repeat`, `ignored`, `handshake`, `refused-…`, `limited-…`, `full`, `failed`.
    pub verdicts: BTreeMap<String, u64>,
    /// Events that the server has taken.
    pub forwarded: u64,
    /// Events that became dead letters.
    pub dead: u64,
}

impl Counters {
    fn change(&self, provider: &str, change: impl FnOnce(&mut Counted)) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(provider) {
            Some(counted) => change(counted),
            None => change(all.entry(provider.to_owned()).or_default()),
        }
    }

    /// Counts a delivery.
    pub(crate) fn verdict(&self, provider: &str, verdict: &str) {
        self.change(provider, |counted| match counted.verdicts.get_mut(verdict) {
            Some(count) => *count += 1,
            None => drop(counted.verdicts.insert(verdict.to_owned(), 1)),
        });
    }

    /// Counts an event that the server has taken, so long after it came.
    pub(crate) fn forwarded(&self, provider: &str, took: Duration) {
        self.change(provider, |counted| counted.forwarded += 1);
        let of = [("provider", provider.to_owned())];
        self.took.get_or_create(&of).observe(took.as_secs_f64());
    }

    /// Counts an event that never will be sent.
    pub(crate) fn dead(&self, provider: &str) {
        self.change(provider, |counted| counted.dead += 1);
    }

    /// All of it.
    pub fn all(&self) -> BTreeMap<String, Counted> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long events took that the server has taken.
    pub(crate) fn took(&self) -> &Took {
        &self.took
    }
}
