//! How often something is tried again, and how long it waits before.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::number::positive;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// How often something is tried again, and how long it waits before. All within bounds.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// How often it is tried again at most: 1 to 64.
    pub max_retries: u32,
    /// The shortest wait: 5 s to 1 h.
    pub sleep_min_ms: u64,
    /// The longest wait: the shortest one to 4 h.
    pub sleep_max_ms: u64,
    /// By how much a wait may vary: 5 s to the longest wait.
    pub sleep_step_ms: u64,
}

/// Where the operator's settings are read.
pub trait Settings {
    /// The setting of this name.
    fn setting(&self, key: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Settings for F {
    fn setting(&self, key: &str) -> Option<String> {
        self(key)
    }
}

/// Whether a setting says yes. What has to be asked for is off for everything else.
pub fn is_on(settings: &impl Settings, key: &str) -> bool {
    let value = settings.setting(key).unwrap_or_default();
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes")
}

impl Policy {
    /// The operator's policy: `BACKUP_ROUTER_*` before `SELF_HEALING_ROUTER_*` before the defaults.
    pub fn of_settings(settings: &impl Settings) -> Self {
        let read = |name: &str, default: u64| {
            ["BACKUP_ROUTER", "SELF_HEALING_ROUTER"]
                .iter()
                .filter_map(|owner| settings.setting(&format!("{owner}_{name}")))
                .find_map(|text| positive(&Value::String(text)))
                .unwrap_or(default)
        };
        Self::within_bounds(
            read("MAX_RETRIES", 5),
            read("SLEEP_MIN_MS", 5 * MINUTE),
            read("SLEEP_MAX_MS", 4 * HOUR),
            read("SLEEP_STEP_MS", 30 * SECOND),
        )
    }

    /// What a request asks for, and this policy for what it does not say.
    #[must_use]
    pub fn asked(&self, policy: &Value) -> Self {
        let read = |name: &str, default: u64| positive(&policy[name]).unwrap_or(default);
        Self::within_bounds(
            read("maxRetries", u64::from(self.max_retries)),
            read("sleepMinMs", self.sleep_min_ms),
            read("sleepMaxMs", self.sleep_max_ms),
            read("sleepStepMs", self.sleep_step_ms),
        )
    }

    fn within_bounds(retries: u64, min: u64, max: u64, step: u64) -> Self {
        let sleep_min_ms = min.clamp(5 * SECOND, HOUR);
        let sleep_max_ms = max.clamp(sleep_min_ms, 4 * HOUR);
        Self {
            max_retries: u32::try_from(retries.clamp(1, 64)).unwrap_or(64),
            sleep_min_ms,
            sleep_max_ms,
            sleep_step_ms: step.clamp(5 * SECOND, sleep_max_ms),
        }
    }

    /// A wait within the bounds.
    pub fn clamp(&self, ms: u64) -> u64 {
        ms.clamp(self.sleep_min_ms, self.sleep_max_ms)
    }

    /// How long to wait before the next attempt. `run` makes waits differ, and one run's the same
    /// each time it is asked.
    pub fn wait(&self, attempt: u32, run: &str) -> u64 {
        let factor = 2_u64.checked_pow(attempt).unwrap_or(u64::MAX);
        let grown = self.sleep_min_ms.saturating_mul(factor).min(self.sleep_max_ms);
        self.clamp(grown.saturating_add(scattered(run, attempt) % self.sleep_step_ms))
    }
}

/// A number that looks like any other (FNV-1a).
fn scattered(run: &str, attempt: u32) -> u64 {
    let bytes = run.bytes().chain(attempt.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
