//! Whole checks, with the network answered by the test.

mod kit;

use crate::{Mode, Report, Status, check_services};
use serde_json::json;
use system_bus_sdk::http::{HttpError, HttpErrorKind, Request, Response};
use system_bus_sdk::prelude::*;
use system_bus_sdk::testing::{Ended, Harness};

/// Answers by the port: 80 is well, 81 is ill, 22 speaks something else, 23 nothing, 1 is closed.
fn network(request: &Request) -> Result<Response, HttpError> {
    let fail = |kind| Err(HttpError::new(kind, request.url(), ""));
    let address = request.url().trim_start_matches("http://");
    match address.split('/').next().and_then(|server| server.split(':').nth(1)) {
        Some("80") => Ok(Response::new(200)),
        Some("81") => Ok(Response::new(503)),
        Some("22") => fail(HttpErrorKind::Protocol),
        Some("23") => fail(HttpErrorKind::Silent),
        Some("1") => fail(HttpErrorKind::Refused),
        Some("2") => fail(HttpErrorKind::Timeout),
        Some("3") => fail(HttpErrorKind::Denied),
        _ => fail(HttpErrorKind::Dns),
    }
}

fn check(data: &Value) -> Ended {
    let event = Outgoing::named("system/services.check.requested", data);
    Harness::new().http(network).run::<check_services>(event)
}

#[test]
fn all_is_well() {
    let end = check(&json!({"targets": [
        {"name": "web", "kind": "http", "url": "http://a:80/health"},
        {"name": "busy", "kind": "http", "url": "http://a:81/", "expect": 503},
        {"name": "shell", "kind": "tcp", "address": "a:22"},
        {"name": "silent", "kind": "tcp", "address": "a:23"},
        {"name": "ill", "kind": "tcp", "address": "a:81"},
    ]}));
    let report: Report = end.output();
    assert_eq!((report.status, report.mode), (Status::Healthy, Mode::Core));
    assert_eq!(
        end.steps,
        ["probe[web]", "probe[busy]", "probe[shell]", "probe[silent]", "probe[ill]"]
    );
    assert_eq!(report.services[0].status, Some(200));
    assert!(end.events.is_empty() && report.healing.is_empty());
}

#[test]
fn whatever_is_down_is_found_in_one_attempt() {
    let end = check(&json!({"source": "somebody", "targets": [
        {"name": "web", "kind": "http", "url": "http://a:80/"},
        {"name": "Redis", "kind": "tcp", "address": "a:1"},
        {"name": "Mail Index", "kind": "http", "url": "http://a:81/"},
        {"name": "slow", "kind": "tcp", "address": "a:2"},
        {"name": "far", "kind": "tcp", "address": "a:3"},
    ]}));
    let report: Report = end.output();
    assert_eq!(report.status, Status::Degraded);
    let up: Vec<_> = report.services.iter().map(|service| service.up).collect();
    assert_eq!(up, [true, false, false, false, false]);
    assert_eq!(end.attempts("probe[Redis]"), 1);
    assert_eq!(report.healing, ["event-1", "event-2", "event-3", "event-4"]);
    assert_eq!(end.steps.last().map(String::as_str), Some("request-healing"));

    let redis = &end.events[0];
    assert_eq!(redis.name, "system/self.healing.requested");
    assert_eq!(redis.data["sourceFunction"], "check/services");
    assert_eq!(redis.data["targetComponent"], "Redis");
    assert_eq!(redis.data["domain"], "gateway-bridge");
    assert_eq!(redis.data["problemSummary"], "Redis is down: nothing listens at http://a:1/");
    assert_eq!(redis.data["requestedBy"], "somebody");
    assert_eq!(redis.data["dryRun"], false);
    assert_eq!(redis.data["context"]["checkMode"], "core");
    assert_eq!(redis.data["context"]["services"], json!(["Redis", "Mail Index", "slow", "far"]));
    assert_eq!(
        redis.data["context"]["runContextKey"],
        "system/services.check.requested::check/services::Redis::gateway-bridge::\
         gateway/health.check.requested::a0::e2"
    );
    assert_eq!(end.events[1].data["domain"], "mail-index");
    let summary = end.events[1].data["problemSummary"].as_str().expect("a text");
    assert!(summary.ends_with("answered with status 503, expected 200 to 299"), "{summary}");
}

#[test]
fn the_data_chooses_the_mode() {
    let mode = |data| check(&data).output::<Report>().mode;
    assert_eq!(mode(json!({})), Mode::Core);
    assert_eq!(mode(json!({"mode": "FULL"})), Mode::Full);
    assert_eq!(mode(json!({"mode": "Core"})), Mode::Core);
    assert_eq!(mode(json!({"mode": "other"})), Mode::Core);
}

#[test]
fn signals_probe_nothing_and_claim_nothing() {
    let end = check(&json!({"mode": "signals"}));
    assert_eq!(end.output::<Report>().status, Status::Unchecked);
    assert!(end.steps.is_empty());
}

#[test]
fn probes_have_patience_but_not_too_little() {
    let times = |data: Value| {
        let harness = Harness::new().http(|request| {
            let kind = HttpErrorKind::Timeout;
            Err(HttpError::new(kind, request.url(), format!("{:?}", request.time())))
        });
        let end = harness
            .run::<check_services>(Outgoing::named("system/services.check.requested", &data));
        end.output::<Report>().services[0].detail.clone()
    };
    assert!(times(json!({})).contains("1.2s"));
    assert!(times(json!({"timeoutMs": 5})).contains("600ms"));
    assert!(times(json!({"timeoutMs": 5000})).contains("5s"));
}

#[test]
fn the_sample_event_has_one_service_that_is_down() {
    let sample = include_str!("../events/services-check-requested.json")
        .replace("${ENGINE_URL}", "http://engine:80")
        .replace("${WORKER_URL}", "http://worker:80")
        .replace("${ENGINE_ADDRESS}", "engine:80");
    let sample: Value = serde_json::from_str(&sample).expect("the sample is JSON");
    assert_eq!(sample["name"], "system/services.check.requested");
    let end = check(&sample["data"]);
    let report: Report = end.output();
    let down: Vec<_> = report.services.iter().filter(|service| !service.up).collect();
    assert_eq!(down.len(), 1, "{down:?}");
    assert_eq!(end.events.len(), 1);
}
