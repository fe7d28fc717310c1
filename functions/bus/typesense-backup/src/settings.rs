//! The operator's settings.

use healing_policy::{Settings as Source, is_on, positive};
use serde_json::Value;

/// What `ssh` and `scp` are given, each word an argument of its own.
const SSH_FLAGS: &str =
    "-o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2";

/// Where Typesense keeps its snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In its pod.
    Pod,
    /// On this machine.
    Local,
}

/// The operator's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where Typesense answers.
    pub(crate) url: String,
    /// Where its snapshots are.
    pub(crate) place: Place,
    /// Where a snapshot goes first.
    pub(crate) root: String,
    /// Where it goes where that fails.
    pub(crate) fallback_root: String,
    /// Where snapshots are staged on this machine.
    pub(crate) stage_root: String,
    /// How many old snapshots are kept in each root.
    pub(crate) retention: usize,
    /// How long the NAS may be away.
    pub(crate) window_ms: u64,
    /// How often it is tried.
    pub(crate) max_attempts: u32,
    /// The first pause.
    pub(crate) retry_base_ms: u64,
    /// The longest pause.
    pub(crate) retry_max_ms: u64,
    /// The NAS, for `ssh` and `scp`.
    pub(crate) ssh_host: String,
    /// Their flags.
    pub(crate) ssh_flags: Vec<String>,
    /// Where the NAS is mounted.
    pub(crate) hdd_root: String,
    /// Where a snapshot waits that did not reach it.
    pub(crate) queue_root: String,
    /// Whether it is tried by `scp` first.
    pub(crate) prefer_remote: bool,
}

impl Settings {
    pub(crate) fn of(source: &impl Source) -> Self {
        let set = |keys: &[&str]| {
            let values = keys.iter().filter_map(|key| source.setting(key));
            let mut values = values.map(|value| value.trim().to_owned());
            values.find(|value| !value.is_empty())
        };
        let text = |keys: &[&str], default: &str| set(keys).unwrap_or_else(|| default.to_owned());
        let path =
            |keys: &[&str], default: &str| text(keys, default).trim_end_matches('/').to_owned();
        let number = |keys: &[&str], default: u64| {
            let mut values = keys.iter().filter_map(|key| source.setting(key));
            values.find_map(|text| positive(&Value::String(text))).unwrap_or(default)
        };
        let local = text(&["TYPESENSE_SNAPSHOT_SOURCE"], "k8s").eq_ignore_ascii_case("local");
        let (place, root) = if local {
            (Place::Local, "/tmp/typesense-native-snapshots")
        } else {
            (Place::Pod, "/data/snapshots")
        };
        let hours =
            number(&["NAS_BACKUP_RECOVERY_WINDOW_HOURS", "SELF_HEALING_RECOVERY_WINDOW_HOURS"], 4);
        let attempts = number(&["NAS_BACKUP_MAX_ATTEMPTS", "SELF_HEALING_MAX_ATTEMPTS"], 12);
        let flags = text(&["SELF_HEALING_NAS_FLAGS", "NAS_SSH_FLAGS"], SSH_FLAGS);
        Self {
            url: path(&["TYPESENSE_URL"], "http://localhost:8108"),
            place,
            root: path(&["TYPESENSE_SNAPSHOT_ROOT"], root),
            fallback_root: path(&["TYPESENSE_SNAPSHOT_FALLBACK_ROOT"], root),
            stage_root: path(&["TYPESENSE_STAGE_ROOT"], "/tmp/joelclaw/typesense-snapshots"),
            retention: retention(set(&["TYPESENSE_SNAPSHOT_RETENTION_COUNT"]).as_deref()),
            window_ms: hours.saturating_mul(3_600_000),
            // A run has at most a thousand steps, and each attempt takes two.
            max_attempts: u32::try_from(attempts.min(400)).unwrap_or(400),
            retry_base_ms: number(
                &["NAS_BACKUP_RETRY_BASE_MS", "SELF_HEALING_RETRY_BASE_MS"],
                10_000,
            ),
            retry_max_ms: number(
                &["NAS_BACKUP_RETRY_MAX_MS", "SELF_HEALING_RETRY_MAX_MS"],
                120_000,
            ),
            ssh_host: text(&["SELF_HEALING_NAS_HOST", "NAS_SSH_HOST"], "joel@three-body"),
            ssh_flags: flags.split_whitespace().map(str::to_owned).collect(),
            hdd_root: path(&["SELF_HEALING_NAS_HDD_ROOT", "NAS_HDD_ROOT"], "/Volumes/three-body"),
            queue_root: path(&["NAS_BACKUP_QUEUE_ROOT"], "/tmp/joelclaw/nas-queue"),
            prefer_remote: is_on(source, "NAS_BACKUP_PREFER_REMOTE"),
        }
    }

    /// The roots of snapshots, each once, the preferred one first.
    pub(crate) fn roots(&self) -> Vec<&str> {
        let mut roots = vec![self.root.as_str()];
        if self.fallback_root != self.root {
            roots.push(&self.fallback_root);
        }
        roots
    }
}

/// At least one is kept, whatever is asked for.
fn retention(set: Option<&str>) -> usize {
    let count = set.and_then(|text| text.parse::<i64>().ok()).unwrap_or(2);
    usize::try_from(count.max(1)).unwrap_or(usize::MAX)
}
