//! Settings, names, and when it is tried again.

use crate::paths::{date_stamp, is_within, snapshot_stamp};
use crate::settings::{Place, Settings};
use crate::transport::{Limits, can_pass, wait};

fn read(key: &str, value: &str) -> Settings {
    Settings::of(&|asked: &str| (asked == key).then(|| value.to_owned()))
}

#[test]
fn retention_is_at_least_one() {
    for (value, count) in
        [("", 2), ("0", 1), ("-1", 1), ("text", 2), ("1", 1), ("7", 7), ("2.5", 2), (" 3 ", 3)]
    {
        let settings = read("TYPESENSE_SNAPSHOT_RETENTION_COUNT", value);
        assert_eq!(settings.retention, count, "{value:?}");
    }
}

#[test]
fn roots_have_their_defaults() {
    let settings = read("", "");
    assert_eq!((settings.place, settings.roots()), (Place::Pod, vec!["/data/snapshots"]));
    let settings = read("TYPESENSE_SNAPSHOT_FALLBACK_ROOT", "/other/");
    assert_eq!(settings.roots(), ["/data/snapshots", "/other"]);
    let settings = read("TYPESENSE_SNAPSHOT_SOURCE", "LOCAL");
    assert_eq!(settings.roots(), ["/tmp/typesense-native-snapshots"]);
    assert_eq!(settings.place, Place::Local);
}

#[test]
fn the_way_to_the_nas_has_its_defaults() {
    for (key, value, window, attempts, base, max) in [
        ("", "", 4, 12, 10_000, 120_000),
        ("NAS_BACKUP_RECOVERY_WINDOW_HOURS", "6", 6, 12, 10_000, 120_000),
        ("SELF_HEALING_RECOVERY_WINDOW_HOURS", "7", 7, 12, 10_000, 120_000),
        ("NAS_BACKUP_RECOVERY_WINDOW_HOURS", "0", 4, 12, 10_000, 120_000),
        ("NAS_BACKUP_MAX_ATTEMPTS", "-1", 4, 12, 10_000, 120_000),
        ("NAS_BACKUP_MAX_ATTEMPTS", "3", 4, 3, 10_000, 120_000),
        ("NAS_BACKUP_MAX_ATTEMPTS", "5000", 4, 400, 10_000, 120_000),
        ("NAS_BACKUP_RETRY_BASE_MS", "text", 4, 12, 10_000, 120_000),
        ("SELF_HEALING_RETRY_BASE_MS", "5", 4, 12, 5, 120_000),
        ("NAS_BACKUP_RETRY_MAX_MS", "7", 4, 12, 10_000, 7),
    ] {
        let settings = read(key, value);
        let seen = (
            settings.window_ms / 3_600_000,
            settings.max_attempts,
            settings.retry_base_ms,
            settings.retry_max_ms,
        );
        assert_eq!(seen, (window, attempts, base, max), "{key}={value}");
    }
    assert_eq!(read("NAS_SSH_HOST", "me@nas").ssh_host, "me@nas");
    assert_eq!(read("NAS_SSH_FLAGS", " -p  22 ").ssh_flags, ["-p", "22"]);
    assert_eq!(read("NAS_SSH_FLAGS", "").ssh_flags.len(), 8, "each word is an argument");
    assert_eq!(read("NAS_HDD_ROOT", "/mnt/nas/").hdd_root, "/mnt/nas");
    assert_eq!(read("", "").stage_root, "/tmp/joelclaw/typesense-snapshots");
    assert_eq!(read("TYPESENSE_STAGE_ROOT", "/var/stage/").stage_root, "/var/stage");
}

#[test]
fn days_are_those_of_the_pacific_coast() {
    for (time, date) in [
        ("2026-03-01T07:59:59Z", "20260228"),
        ("2026-03-01T08:00:00Z", "20260301"),
        ("2026-07-01T06:59:59Z", "20260630"),
        ("2026-07-01T07:00:00Z", "20260701"),
    ] {
        assert_eq!(date_stamp(time.parse().expect("a time")), date, "{time}");
    }
}

#[test]
fn a_stamp_is_one_name() {
    for (event, stamp) in [
        ("01H-a_b", "20260301-01H-a_b"),
        ("../../etc", "20260301-etc"),
        ("a b;rm", "20260301-abrm"),
        ("", "20260301-run"),
    ] {
        assert_eq!(snapshot_stamp("20260301", event), stamp);
    }
    assert_eq!(snapshot_stamp("20260301", &"x".repeat(500)).len(), 9 + 64);
}

#[test]
fn only_what_is_in_a_root_may_be_removed() {
    for (root, path, within) in [
        ("/data/snapshots", "/data/snapshots/20260301-a", true),
        ("/data/snapshots", "/data/snapshots", false),
        ("/data/snapshots", "/data/snapshots/", false),
        ("/data/snapshots", "/data/snapshots/..", false),
        ("/data/snapshots", "/data/snapshots/a/b", false),
        ("/data/snapshots", "/data/snapshots2/a", false),
        ("/data/snapshots", "/etc", false),
        ("/data/../etc", "/data/../etc/passwd", false),
        ("/", "/etc", false),
        ("", "/etc", false),
        ("data", "data/a", false),
        ("/data//x", "/data//x/a", false),
    ] {
        assert_eq!(is_within(root, path), within, "{root} {path}");
    }
}

#[test]
fn it_is_tried_again_within_its_attempts_and_its_window() {
    let limits = Limits { attempts: 12, window_ms: 14_400_000, base_ms: 10_000, max_ms: 120_000 };
    for (attempt, since, from) in [
        (1, 0, Some(10_000)),
        (2, 0, Some(20_000)),
        (4, 0, Some(80_000)),
        (5, 0, Some(120_000)),
        (11, 0, Some(120_000)),
        (12, 0, None),
        (1, 14_400_000, None),
        (1, 14_388_000, Some(10_000)),
        (1, u64::MAX, None),
    ] {
        let pause = wait(&limits, attempt, since, "run");
        assert_eq!(pause.map(|ms| ms / 1000 * 1000), from, "{attempt} {since}");
    }
}

#[test]
fn what_time_may_cure() {
    for (error, can) in [
        ("rsync failed (exit 124): it took longer than it may", true),
        ("ssh failed (exit 255): connect to host x port 22: Connection refused", true),
        ("rsync failed (exit 11): Stale NFS file handle", true),
        ("touch failed (exit 1): Input/output error", true),
        ("scp failed (exit 1): Network is unreachable", true),
        ("the mount is unavailable: stat failed (exit 1): No such file or directory", true),
        ("rsync failed (exit 23): No such file or directory", false),
        ("touch failed (exit 1): Permission denied", false),
        ("rsync failed (exit 11): No space left on device", false),
    ] {
        assert_eq!(can_pass(error), can, "{error}");
    }
}
