use super::*;
use crate::function::Manifest;

fn everything() -> Announced {
    let manifest = Manifest::parse(include_str!("everything.manifest.json")).expect("valid");
    Announced::active(&manifest.functions)
}

#[test]
fn the_payload_is_sorted_absent_is_absent_and_urls_name_the_function() {
    let manifest = Manifest::parse(
        r#"{"functions":[
            {"id":"z","name":"Zed","triggers":[{"event":"a/b"},{"cron":"0 9 * * *"}]},
            {"id":"check/health","retries":1,"triggers":[{"event":"c/d","expression":"event.data.n > 1"}]}]}"#,
    )
    .expect("valid");
    let app = "system-bus-host".parse().expect("an id");
    let url = Url::parse("http://127.0.0.1:3111/api/inngest").expect("a URL");
    let payload = SyncPayload::new(&app, None, &url, &Announced::active(&manifest.functions));
    let json = serde_json::to_value(&payload).expect("JSON");
    let expected = serde_json::json!({
        "url": "http://127.0.0.1:3111/api/inngest", "deployType": "ping", "appName": "system-bus-host",
        "sdk": SDK, "v": "0.1", "framework": "axum",
        "functions": [
            {
                "id": "system-bus-host-check/health", "name": "check/health",
                "triggers": [{"event": "c/d", "expression": "event.data.n > 1"}],
                "steps": {"step": {"id": "step", "name": "step", "retries": {"attempts": 1}, "runtime": {
                    "type": "http",
                    "url": "http://127.0.0.1:3111/api/inngest?fnId=system-bus-host-check%2Fhealth&stepId=step",
                }}},
            },
            {
                "id": "system-bus-host-z", "name": "Zed",
                "triggers": [{"event": "a/b"}, {"cron": "0 9 * * *"}],
                "steps": {"step": {"id": "step", "name": "step", "runtime": {
                    "type": "http",
                    "url": "http://127.0.0.1:3111/api/inngest?fnId=system-bus-host-z&stepId=step",
                }}},
            },
        ],
    });
    assert_eq!(json, expected);
    assert_eq!(payload.slugs().count(), 2);
}

#[test]
fn every_option_has_the_form_the_server_reads() {
    let app = "orders".parse().expect("an id");
    let url = Url::parse("https://example.com/api/inngest").expect("a URL");
    let payload = SyncPayload::new(&app, Some("7"), &url, &everything());
    let written = serde_json::to_string_pretty(&payload).expect("JSON");
    // To renew it after a change that is meant: print what was written, and read it before it is kept.
    let golden = include_str!("everything.sync.json").replace("@SDK@", SDK);
    assert_eq!(written, golden.trim_end(), "{written}");
    assert!(!written.contains("null"), "absent is absent");
}

#[test]
fn functions_of_a_connection_have_sockets_for_addresses_and_still_name_themselves() {
    let app = "orders".parse().expect("an id");
    let url = Url::parse("http://h/api/inngest?app_name=orders").expect("a URL");
    let payload = |url| SyncPayload::new(&app, None, url, &everything());
    let served = String::from_utf8(payload(&url).functions_json()).expect("text");
    let announced = payload(&connect_url(&app)).functions_json();
    let expected = served
        .replace("http://h/api/inngest?", "ws://connect/?")
        .replace(r#""type":"http""#, r#""type":"ws""#);
    assert_eq!(String::from_utf8(announced).expect("text"), expected);
    assert!(expected.contains("ws://connect/?app_name=orders&fnId=orders-batched&stepId=step"));
}

#[test]
fn equal_announcements_have_equal_payloads_and_retired_functions_have_no_triggers() {
    let app = "orders".parse().expect("an id");
    let url = Url::parse("http://h/").expect("a URL");
    let payload = |announced: &Announced| SyncPayload::new(&app, None, &url, announced);
    let straight = everything();
    let mut turned = straight.clone();
    turned.functions.reverse();
    assert_eq!(payload(&straight).fingerprint(), payload(&turned).fingerprint());

    let mut left = straight.clone();
    left.retired = left.functions.split_off(1);
    let json = serde_json::to_value(payload(&left)).expect("JSON");
    let triggers: Vec<usize> = json["functions"]
        .as_array()
        .expect("functions")
        .iter()
        .map(|function| function["triggers"].as_array().expect("it is there").len())
        .collect();
    // Sorted: batched, order-failed, process-order, scheduled; the third one is still active.
    assert_eq!(triggers, [0, 0, 2, 0]);
    assert_ne!(payload(&straight).fingerprint(), payload(&left).fingerprint());
    left.retired.extend(straight.functions.iter().cloned());
    assert_eq!(serde_json::to_value(payload(&left)).expect("JSON"), json, "active is not retired");
}

#[test]
fn a_payload_differs_when_any_option_does() {
    let app = "a".parse().expect("an id");
    let url = Url::parse("http://h/").expect("a URL");
    let fingerprint = |options: &str| {
        let json =
            format!(r#"{{"functions":[{{"id":"f","triggers":[{{"event":"x/y"}}]{options}}}]}}"#);
        let manifest = Manifest::parse(&json).expect(options);
        SyncPayload::new(&app, None, &url, &Announced::active(&manifest.functions)).fingerprint()
    };
    let plain = fingerprint("");
    // How a run goes on is the worker's business alone: the server is not told.
    assert_eq!(plain, fingerprint(r#","mode":"pinned""#));
    for option in [
        r#","retries":7"#,
        r#","name":"F""#,
        r#","concurrency":[{"limit":2}]"#,
        r#","debounce":{"period":"1s"}"#,
        r#","timeouts":{"start":"1m"}"#,
    ] {
        assert_ne!(plain, fingerprint(option), "{option}");
    }
}
