//! Settings, modes, rates.

use serde_json::{Value, json};
use system_bus_sdk::prelude::*;

use crate::drift::{self, Verdicts};
use crate::errors;
use crate::settings::Settings;
use crate::{Mode, State, check_system_health, health_daily_digest, health_signals_schedule};

fn set(pairs: &[(&str, &str)]) -> Settings {
    let pairs: Vec<(String, String)> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Settings::of(|key| pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone()))
}

#[test]
fn settings_have_their_defaults_and_bounds() {
    for (value, ms) in [
        ("", 1200),
        ("0", 1200),
        ("-1", 1200),
        ("text", 1200),
        ("5", 600),
        ("600", 600),
        ("5000", 5000),
    ] {
        let patience = set(&[("JOELCLAW_HEALTH_PROBE_TIMEOUT_MS", value)]).patience;
        assert_eq!(patience, Duration::from_millis(ms), "{value:?}");
    }
    for (value, minutes) in
        [("0", 15), ("-5", 15), ("soon", 15), ("30", 30), ("9999999999", 527_040)]
    {
        let window = set(&[("OTEL_EVENTS_ERROR_RATE_WINDOW_MINUTES", value)]).errors.window;
        assert_eq!(window, Duration::from_mins(minutes), "{value}");
    }
    for (value, share) in [
        ("0", 0.2),
        ("-0.1", 0.2),
        ("1.5", 0.2),
        ("NaN", 0.2),
        ("text", 0.2),
        ("0.5", 0.5),
        ("1", 1.0),
    ] {
        let threshold = set(&[("OTEL_EVENTS_ERROR_RATE_THRESHOLD", value)]).errors.threshold;
        assert!((threshold - share).abs() < f64::EPSILON, "{value}");
    }
    for (events, verdicts, least) in
        [("", "", 45), ("60", "", 60), ("10", "", 45), ("60", "20", 20), ("60", "0", 60)]
    {
        let drift = set(&[
            ("MEMORY_WRITE_GATE_DRIFT_MIN_EVENTS", events),
            ("MEMORY_WRITE_GATE_DRIFT_MIN_VERDICTS", verdicts),
        ]);
        assert_eq!(drift.drift.min_verdicts, least, "{events} {verdicts}");
    }
    for (value, on) in [("", false), ("0", false), ("no", false), ("1", true), ("TRUE", true)] {
        let key = "SYSTEM_HEALTH_OTEL_TYPESENSE_SIGNAL_CHECKS_ENABLED";
        assert_eq!(set(&[(key, value)]).signals, on, "{value}");
    }
    let usual = set(&[]);
    assert_eq!(usual.mounts, ["/Volumes/nas-nvme", "/Volumes/three-body"]);
    assert_eq!(
        usual.typesense,
        [
            "http://localhost:8108",
            "http://{vm}:8108",
            "http://typesense.joelclaw.svc.cluster.local:8108"
        ]
    );
    assert_eq!(usual.webhooks, "http://localhost:3111/webhooks");
    assert_eq!((usual.errors.min_events, usual.drift.min_events), (20, 30));
    assert_eq!(usual.drift.window, Duration::from_hours(1));
    assert_eq!(usual.healing_pause, Duration::from_hours(1));
    assert_eq!((usual.front, usual.convex, usual.vm), (None, None, None));
}

#[test]
fn the_event_chooses_the_mode_unless_its_data_does() {
    for (asked, event, mode) in [
        (None, "system/health.requested", Mode::Core),
        (None, "system/health.check.requested", Mode::Core),
        (None, "system/health.check", Mode::Full),
        (Some("CORE"), "system/health.check", Mode::Core),
        (Some("Signals"), "system/health.requested", Mode::Signals),
        (Some("full"), "system/health.requested", Mode::Full),
        (Some("other"), "system/health.requested", Mode::Core),
        (Some("other"), "system/health.check", Mode::Full),
    ] {
        assert_eq!(Mode::of(asked, event), mode, "{asked:?} {event}");
    }
    let policy = serde_json::to_value(Mode::Signals.policy()).expect("JSON");
    let wanted = json!({
        "cadenceMinutes": 60, "importance": "high", "alerts": "medium", "healing": "manual", "rank": 2,
    });
    assert_eq!(policy, wanted);
}

#[test]
fn errors_are_too_many_from_the_threshold_on() {
    let limits = set(&[]).errors;
    for (total, errors, state) in [
        (0, 0, State::Normal),
        (19, 19, State::Normal),
        (20, 3, State::Normal),
        (20, 4, State::Escalated),
        (100, 19, State::Normal),
    ] {
        assert_eq!(errors::judge(&limits, total, errors).state, state, "{errors} of {total}");
    }
}

#[test]
fn a_drift_is_one_share_too_many_of_enough() {
    let limits = set(&[]).drift;
    let seen = |events, allow, hold, discard, fallback| Verdicts {
        events,
        allow,
        hold,
        discard,
        fallback,
    };
    for (seen, state) in [
        (seen(0, 0, 0, 0, 0), State::Normal),
        (seen(29, 0, 90, 0, 0), State::Normal),
        (seen(30, 0, 44, 0, 0), State::Normal),
        (seen(30, 0, 45, 0, 0), State::Escalated),
        (seen(40, 20, 80, 0, 0), State::Normal),
        (seen(40, 15, 85, 0, 0), State::Escalated),
        (seen(40, 31, 0, 69, 0), State::Normal),
        (seen(40, 30, 0, 70, 0), State::Escalated),
        (seen(40, 100, 0, 0, 44), State::Normal),
        (seen(40, 100, 0, 0, 45), State::Escalated),
    ] {
        assert_eq!(drift::judge(&limits, &seen).state, state, "{seen:?}");
    }
}

#[test]
fn verdicts_are_read_wherever_they_stand() {
    for metadata in [
        r#"{"allowCount":1,"holdCount":2,"discardCount":3,"fallbackCount":4}"#,
        r#"{"allow":1,"hold":2,"discard":3,"fallback":4}"#,
        r#"{"writeGate":{"allow":1,"hold":2,"discard":3,"fallback":4}}"#,
        r#"{"counts":{"allowCount":1,"hold":2,"discard":3,"fallbackCount":4}}"#,
    ] {
        let mut seen = Verdicts::default();
        seen.add(metadata);
        let wanted = Verdicts { events: 1, allow: 1, hold: 2, discard: 3, fallback: 4 };
        assert_eq!(seen, wanted, "{metadata}");
    }
    let mut seen = Verdicts::default();
    seen.add("no JSON");
    assert_eq!(seen, Verdicts { events: 1, ..Verdicts::default() });
}

#[test]
fn declarations_are_as_they_are_meant() {
    let check =
        serde_json::to_value(<check_system_health as system_bus_sdk::Function>::DECLARATION);
    let check: Value = check.expect("JSON");
    assert_eq!((&check["id"], &check["retries"]), (&json!("check/system-health"), &json!(1)));
    assert_eq!(check["concurrency"][0]["limit"], 1);
    let events =
        ["system/health.requested", "system/health.check", "system/health.check.requested"];
    let triggers: Vec<_> = events.iter().map(|event| json!({ "event": event })).collect();
    assert_eq!(check["triggers"], json!(triggers));
    let digest =
        serde_json::to_value(<health_daily_digest as system_bus_sdk::Function>::DECLARATION);
    let digest: Value = digest.expect("JSON");
    assert_eq!(digest["triggers"], json!([{ "cron": "TZ=America/Los_Angeles 5 0 * * *" }]));
    let turn =
        serde_json::to_value(<health_signals_schedule as system_bus_sdk::Function>::DECLARATION);
    let turn: Value = turn.expect("JSON");
    assert_eq!(turn["triggers"], json!([{ "event": "system/health.signals.requested" }]));
}

#[test]
fn samples_start_what_they_are_for() {
    for (sample, name, mode) in [
        (include_str!("../../events/health-requested.json"), "system/health.requested", Mode::Core),
        (include_str!("../../events/health-check.json"), "system/health.check", Mode::Full),
    ] {
        let sample: Value = serde_json::from_str(sample).expect("JSON");
        assert_eq!(sample["name"], name);
        assert_eq!(Mode::of(sample["data"]["mode"].as_str(), name), mode);
    }
    let turn = include_str!("../../events/health-signals-requested.json");
    let turn: Value = serde_json::from_str(turn).expect("JSON");
    assert_eq!(turn["name"], "system/health.signals.requested");
}
