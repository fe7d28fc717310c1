//! What the operator sets.

use std::time::Duration;

/// The settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// How long a probe of an endpoint waits.
    pub(crate) patience: Duration,
    /// Probes that are left out, in small letters.
    pub(crate) skipped: Vec<String>,
    /// Where the server may be, in that order.
    pub(crate) inngest: Vec<String>,
    /// Where the worker may be.
    pub(crate) worker: Vec<String>,
    /// Where Typesense may be.
    pub(crate) typesense: Vec<String>,
    /// The address of the machine that containers run in; asked for if none.
    pub(crate) vm: Option<String>,
    /// Where webhooks are taken.
    pub(crate) webhooks: String,
    /// Where the gateway listens; its port is in a file.
    pub(crate) gateway: String,
    /// What has to be mounted.
    pub(crate) mounts: Vec<String>,
    /// The index of mails; it is not looked at if none.
    pub(crate) front: Option<Projection>,
    /// Where Convex is; it is told nothing if none.
    pub(crate) convex: Option<String>,
    /// Whether the telemetry is looked at.
    pub(crate) signals: bool,
    /// When errors are too many.
    pub(crate) errors: ErrorRate,
    /// When what is written to the memory has changed too much.
    pub(crate) drift: Drift,
    /// How long the same healing is not asked for again.
    pub(crate) healing_pause: Duration,
}

/// The index of mails, and how old its newest one may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Projection {
    pub(crate) collection: String,
    pub(crate) field: String,
    pub(crate) max_age: Duration,
}

/// When errors are too many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ErrorRate {
    pub(crate) window: Duration,
    pub(crate) threshold: f64,
    pub(crate) min_events: u64,
}

/// When what is written to the memory has changed too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drift {
    pub(crate) window: Duration,
    pub(crate) min_events: u64,
    pub(crate) min_verdicts: u64,
    pub(crate) fallback_rate: f64,
    pub(crate) hold_ratio: f64,
    pub(crate) discard_ratio: f64,
}

impl Settings {
    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let source = Source(&setting);
        let places = |service: &str, port: u16, name: &str| {
            let usual = format!(
                "http://localhost:{port},http://{{vm}}:{port},\
                 http://{name}.joelclaw.svc.cluster.local:{port}"
            );
            source.list(&format!("JOELCLAW_HEALTH_{service}_URLS"), &usual)
        };
        let min_events = source.whole("MEMORY_WRITE_GATE_DRIFT_MIN_EVENTS", 30);
        let front = source.text("FRONT_PROJECTION_COLLECTION").map(|collection| Projection {
            collection,
            field: source.or("FRONT_PROJECTION_FIELD", "timestamp"),
            max_age: source.minutes("FRONT_PROJECTION_MAX_AGE_MINUTES", 24 * 60),
        });
        Self {
            patience: Duration::from_millis(
                source.whole("JOELCLAW_HEALTH_PROBE_TIMEOUT_MS", 1200).max(600),
            ),
            skipped: source
                .list("JOELCLAW_HEALTH_SKIP", "")
                .iter()
                .map(|name| name.to_lowercase())
                .collect(),
            inngest: places("INNGEST", 8288, "inngest-svc"),
            worker: places("WORKER", 3111, "system-bus-worker"),
            typesense: places("TYPESENSE", 8108, "typesense"),
            vm: source.text("JOELCLAW_HEALTH_VM_ADDRESS"),
            webhooks: source.or("JOELCLAW_HEALTH_WEBHOOKS_URL", "http://localhost:3111/webhooks"),
            gateway: source.or("JOELCLAW_HEALTH_GATEWAY_HOST", "127.0.0.1"),
            mounts: source.list("JOELCLAW_HEALTH_MOUNTS", "/Volumes/nas-nvme,/Volumes/three-body"),
            front,
            convex: source.text("CONVEX_URL"),
            signals: source
                .text("SYSTEM_HEALTH_OTEL_TYPESENSE_SIGNAL_CHECKS_ENABLED")
                .is_some_and(|on| ["1", "true", "yes", "on"].contains(&on.to_lowercase().as_str())),
            errors: ErrorRate {
                window: source.minutes("OTEL_EVENTS_ERROR_RATE_WINDOW_MINUTES", 15),
                threshold: source.share("OTEL_EVENTS_ERROR_RATE_THRESHOLD", 0.2),
                min_events: source.whole("OTEL_EVENTS_ERROR_RATE_MIN_EVENTS", 20),
            },
            drift: Drift {
                window: source.minutes("MEMORY_WRITE_GATE_DRIFT_WINDOW_MINUTES", 60),
                min_events,
                min_verdicts: source
                    .whole("MEMORY_WRITE_GATE_DRIFT_MIN_VERDICTS", min_events.max(45)),
                fallback_rate: source.share("MEMORY_WRITE_GATE_FALLBACK_RATE_THRESHOLD", 0.45),
                hold_ratio: source.share("MEMORY_WRITE_GATE_HOLD_RATIO_THRESHOLD", 0.85),
                discard_ratio: source.share("MEMORY_WRITE_GATE_DISCARD_RATIO_THRESHOLD", 0.7),
            },
            healing_pause: source.minutes("SYSTEM_HEALTH_SELF_HEAL_PAUSE_MINUTES", 60),
        }
    }

    /// Whether a probe is left out.
    pub(crate) fn skips(&self, name: &str) -> bool {
        self.skipped.contains(&name.to_lowercase())
    }
}

/// Where settings come from. What does not fit counts as absent.
struct Source<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Source<'_> {
    fn text(&self, key: &str) -> Option<String> {
        let text = (self.0)(key)?.trim().trim_end_matches('/').to_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    fn or(&self, key: &str, usual: &str) -> String {
        self.text(key).unwrap_or_else(|| usual.to_owned())
    }

    fn list(&self, key: &str, usual: &str) -> Vec<String> {
        let all = self.or(key, usual);
        let items = all.split(',').map(|item| item.trim().trim_end_matches('/').to_owned());
        items.filter(|item| !item.is_empty()).collect()
    }

    fn whole(&self, key: &str, usual: u64) -> u64 {
        let number = self.text(key).and_then(|text| text.parse().ok());
        number.filter(|number| *number > 0).unwrap_or(usual)
    }

    /// A span of time, a year at most.
    fn minutes(&self, key: &str, usual: u64) -> Duration {
        Duration::from_secs(60 * self.whole(key, usual).min(366 * 24 * 60))
    }

    /// A part of a whole: above 0, and 1 at most.
    fn share(&self, key: &str, usual: f64) -> f64 {
        let share = self.text(key).and_then(|text| text.parse().ok());
        share.filter(|share| *share > 0.0 && *share <= 1.0).unwrap_or(usual)
    }
}
