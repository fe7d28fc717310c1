//! What came and what became of it, by provider.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// The bounds of the histogram of how long deliveries take to the server, in milliseconds.
const BOUNDS: [u64; 9] = [5, 10, 25, 50, 100, 250, 1_000, 10_000, 60_000];

/// What came and what became of it. There are few providers and few words, so it stays small.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<String, Counted>>);

/// What came for one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Verdict → how often: `accepted`, `repeat`, `ignored`, `handshake`, `refused-…`, `limited-…`, `full`, `failed`.
    pub verdicts: BTreeMap<String, u64>,
    /// Events that the server has taken.
    pub forwarded: u64,
    /// Events that became dead letters.
    pub dead: u64,
    /// Forwarded events by how long they took, each bound in milliseconds with those before it.
    #[serde(skip)]
    took: [u64; BOUNDS.len()],
    #[serde(skip)]
    took_ms: u64,
}

impl Counters {
    fn change(&self, provider: &str, change: impl FnOnce(&mut Counted)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Counts an event that the server has taken, so many milliseconds after it came.
    pub(crate) fn forwarded(&self, provider: &str, took: u64) {
        self.change(provider, |counted| {
            counted.forwarded += 1;
            counted.took_ms += took;
            for (bound, count) in BOUNDS.iter().zip(&mut counted.took) {
                *count += u64::from(took <= *bound);
            }
        });
    }

    /// Counts an event that never will be sent.
    pub(crate) fn dead(&self, provider: &str) {
        self.change(provider, |counted| counted.dead += 1);
    }

    /// All of it.
    pub fn all(&self) -> BTreeMap<String, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it, in the text format of Prometheus.
    pub(crate) fn metrics(&self, waiting: (u64, u64), held: bool) -> String {
        let mut text = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| {
            // Writing to memory cannot fail.
            let _ = writeln!(text, "{line}");
        };
        let all = self.all();
        put(format_args!(
            "# HELP system_bus_webhook_deliveries_total Deliveries, by provider and verdict."
        ));
        put(format_args!("# TYPE system_bus_webhook_deliveries_total counter"));
        for (provider, counted) in &all {
            for (verdict, count) in &counted.verdicts {
                put(format_args!(
                    "system_bus_webhook_deliveries_total{{provider=\"{provider}\",verdict=\"{verdict}\"}} {count}"
                ));
            }
        }
        put(format_args!(
            "# HELP system_bus_webhook_dead_letters_total Events that cannot be sent."
        ));
        put(format_args!("# TYPE system_bus_webhook_dead_letters_total counter"));
        for (provider, counted) in &all {
            put(format_args!(
                "system_bus_webhook_dead_letters_total{{provider=\"{provider}\"}} {}",
                counted.dead
            ));
        }
        put(format_args!(
            "# HELP system_bus_webhook_forwarding_seconds From receipt to the server's acceptance."
        ));
        put(format_args!("# TYPE system_bus_webhook_forwarding_seconds histogram"));
        for (provider, counted) in &all {
            let name = "system_bus_webhook_forwarding_seconds";
            for (bound, count) in BOUNDS.iter().zip(&counted.took) {
                let (whole, rest) = (bound / 1000, bound % 1000);
                put(format_args!(
                    "{name}_bucket{{provider=\"{provider}\",le=\"{whole}.{rest:03}\"}} {count}"
                ));
            }
            put(format_args!(
                "{name}_bucket{{provider=\"{provider}\",le=\"+Inf\"}} {}",
                counted.forwarded
            ));
            let (whole, rest) = (counted.took_ms / 1000, counted.took_ms % 1000);
            put(format_args!("{name}_sum{{provider=\"{provider}\"}} {whole}.{rest:03}"));
            put(format_args!("{name}_count{{provider=\"{provider}\"}} {}", counted.forwarded));
        }
        for (name, help, value) in [
            ("system_bus_webhook_spool_events", "Events that wait for the server.", waiting.0),
            ("system_bus_webhook_spool_bytes", "Bytes of the events that wait.", waiting.1),
            (
                "system_bus_webhook_spool_held",
                "Whether the server takes no events.",
                u64::from(held),
            ),
        ] {
            put(format_args!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"));
        }
        text
    }
}
