//! Tables.

use serde_json::json;

use crate::{Action, Decision, Policy, is_on, positive};

fn defaults() -> Policy {
    Policy::of_settings(&|_: &str| None)
}

fn policy(max_retries: u32, sleep_min_ms: u64, sleep_max_ms: u64, sleep_step_ms: u64) -> Policy {
    Policy { max_retries, sleep_min_ms, sleep_max_ms, sleep_step_ms }
}

#[test]
fn numbers_are_read_as_they_are_written() {
    for (written, number) in [
        (json!(7), Some(7)),
        (json!(7.9), Some(7)),
        (json!("7"), Some(7)),
        (json!(" 7 "), Some(7)),
        (json!(0), None),
        (json!(-1), None),
        (json!("-1"), None),
        (json!("seven"), None),
        (json!(""), None),
        (json!(1e300), None),
        (json!(null), None),
        (json!([7]), None),
    ] {
        assert_eq!(positive(&written), number, "{written}");
    }
}

#[test]
fn settings_are_held_within_bounds() {
    for (key, value, expected) in [
        ("OTHER", "1", policy(5, 300_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_MAX_RETRIES", "9", policy(9, 300_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_MAX_RETRIES", "0", policy(5, 300_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_MAX_RETRIES", "-1", policy(5, 300_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_MAX_RETRIES", "many", policy(5, 300_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_MAX_RETRIES", "100", policy(64, 300_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_SLEEP_MIN_MS", "1", policy(5, 5_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_SLEEP_MIN_MS", "9999999", policy(5, 3_600_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_SLEEP_MAX_MS", "1", policy(5, 300_000, 300_000, 30_000)),
        ("SELF_HEALING_ROUTER_SLEEP_MAX_MS", "99999999", policy(5, 300_000, 14_400_000, 30_000)),
        ("SELF_HEALING_ROUTER_SLEEP_STEP_MS", "1", policy(5, 300_000, 14_400_000, 5_000)),
        ("BACKUP_ROUTER_SLEEP_STEP_MS", "99999999", policy(5, 300_000, 14_400_000, 14_400_000)),
    ] {
        let read = Policy::of_settings(&|asked: &str| (asked == key).then(|| value.to_owned()));
        assert_eq!(read, expected, "{key}={value}");
    }
    let both = Policy::of_settings(&|key: &str| match key {
        "BACKUP_ROUTER_MAX_RETRIES" => Some("3".to_owned()),
        "SELF_HEALING_ROUTER_MAX_RETRIES" => Some("4".to_owned()),
        _ => None,
    });
    assert_eq!(both.max_retries, 3);
}

#[test]
fn a_request_may_ask_for_another_policy_within_the_same_bounds() {
    for (asked, expected) in [
        (json!(null), defaults()),
        (json!("text"), defaults()),
        (
            json!({"maxRetries": 10, "sleepMinMs": 90_000, "sleepMaxMs": 900_000, "sleepStepMs": 45_000}),
            policy(10, 90_000, 900_000, 45_000),
        ),
        (
            json!({"maxRetries": 1000, "sleepMinMs": 1, "sleepMaxMs": 2, "sleepStepMs": 3}),
            policy(64, 5_000, 5_000, 5_000),
        ),
        (json!({"maxRetries": 0, "sleepMinMs": -5}), defaults()),
    ] {
        assert_eq!(defaults().asked(&asked), expected, "{asked}");
    }
}

#[test]
fn waits_grow_to_the_longest_one_and_are_the_same_again() {
    let policy = policy(64, 60_000, 600_000, 30_000);
    for (attempt, from, to) in [
        (0, 60_000, 90_000),
        (1, 120_000, 150_000),
        (3, 480_000, 510_000),
        (4, 600_000, 600_001),
        (63, 600_000, 600_001),
        (u32::MAX, 600_000, 600_001),
    ] {
        let wait = policy.wait(attempt, "run");
        assert!((from..to).contains(&wait), "{attempt}: {wait}");
        assert_eq!(wait, policy.wait(attempt, "run"));
    }
    let all: std::collections::BTreeSet<_> =
        (0..50).map(|run| policy.wait(0, &run.to_string())).collect();
    assert!(all.len() > 40, "waits of different runs differ: {all:?}");
}

#[test]
fn the_rule_waits_below_the_budget_and_tells_people_at_it() {
    let policy = policy(3, 60_000, 600_000, 30_000);
    for (attempt, action) in
        [(0, Action::Pause), (2, Action::Pause), (3, Action::Escalate), (9, Action::Escalate)]
    {
        let decision = Decision::by_rule(attempt, &policy, "run");
        assert_eq!((decision.action, decision.model.as_str()), (action, Decision::RULE));
        assert_eq!(decision.delay_ms == 0, action == Action::Escalate);
    }
}

#[test]
fn answers_of_models_are_read_with_what_is_around_them() {
    let policy = policy(5, 5_000, 14_400_000, 5_000);
    let read = |text: &str| Decision::of_answer(text, "m", 0, &policy, "run");
    for (text, action, delay) in [
        (r#"{"action":"retry","delayMs":7000}"#, Action::Retry, 7_000),
        ("```json\n{\"action\":\"pause\",\"delaySeconds\":70}\n```", Action::Pause, 70_000),
        (r#"I would say {"action":"Retry","waitMinutes":2} here."#, Action::Retry, 120_000),
        (r#"{"action":"pause","waitHours":"1"}"#, Action::Pause, 3_600_000),
        (r#"{"action":"pause","waitHours":99}"#, Action::Pause, 14_400_000),
        (r#"{"action":"retry","delayMs":1}"#, Action::Retry, 5_000),
        (r#"{"action":"manual","delayMs":9000}"#, Action::Escalate, 0),
    ] {
        let decision = read(text).unwrap_or_else(|| panic!("{text} is a decision"));
        assert_eq!((decision.action, decision.delay_ms), (action, delay), "{text}");
    }
    for text in ["", "no", "{}", "}{", "[1]", r#"{"action":"dance"}"#, r#"{"action":7}"#] {
        assert_eq!(read(text), None, "{text}");
    }
    let routed =
        read(r#"{"action":"retry","reason":"r","routeToEventName":" a/b ","confidence":7}"#);
    let routed = routed.expect("a decision");
    assert_eq!(routed.route_to_event_name.as_deref(), Some("a/b"));
    assert!((routed.confidence - 1.0).abs() < f64::EPSILON);
}

#[test]
fn what_has_to_be_asked_for_is_off_otherwise() {
    for (value, on) in [
        (None, false),
        (Some("0"), false),
        (Some("no"), false),
        (Some("1"), true),
        (Some("True"), true),
    ] {
        assert_eq!(is_on(&|_: &str| value.map(str::to_owned), "key"), on, "{value:?}");
    }
}
