//! Whether an attempt is repeated, and when.

use crate::settings::Settings;

/// How often and how long it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) attempts: u32,
    pub(crate) window_ms: u64,
    pub(crate) base_ms: u64,
    pub(crate) max_ms: u64,
}

impl Limits {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            attempts: settings.max_attempts,
            window_ms: settings.window_ms,
            base_ms: settings.retry_base_ms,
            max_ms: settings.retry_max_ms,
        }
    }
}

/// How long to wait after this attempt; none where it was the last one. A second at most is added,
/// which differs from run to run.
pub(crate) fn wait(limits: &Limits, attempt: u32, since_ms: u64, run: &str) -> Option<u64> {
    let factor = 2_u64.checked_pow(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let grown = limits.base_ms.saturating_mul(factor).min(limits.max_ms);
    let scattered = run
        .bytes()
        .fold(u64::from(attempt), |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let wait = grown + scattered % 1000;
    let in_time = since_ms.saturating_add(wait) <= limits.window_ms;
    (attempt < limits.attempts && in_time).then_some(wait)
}

/// Whether time may cure it: the NAS is away, slow, or its mount is stale.
pub(crate) fn can_pass(error: &str) -> bool {
    let error = error.to_ascii_lowercase();
    [
        "exit 124",
        "timed out",
        "timeout",
        "took longer",
        "connection",
        "connect to host",
        "broken pipe",
        "i/o error",
        "input/output error",
        "stale",
        "unreachable",
        "no route",
        "host is down",
        "not resolve",
        "unavailable",
    ]
    .iter()
    .any(|word| error.contains(word))
}
