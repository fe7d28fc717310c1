//! Whole deliveries.

mod kit;

use crate::{IssueTriaged, IssuesReceived, Kind, Outcome, triage};
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::testing::{Ended, Harness};

fn sample() -> Value {
    serde_json::from_str(include_str!("../events/issues-received.json")).expect("it is JSON")
}

fn deliver(data: &Value) -> Ended {
    Harness::new().run::<triage>(Outgoing::named(IssuesReceived::NAME, data))
}

fn kind(title: &str, body: Option<&str>, labels: &[&str]) -> Kind {
    let mut data = sample()["data"].clone();
    data["issue"]["title"] = json!(title);
    data["issue"]["body"] = json!(body);
    let labels: Vec<_> = labels.iter().map(|name| json!({ "name": name })).collect();
    data["issue"]["labels"] = json!(labels);
    match deliver(&data).output() {
        Outcome::Triaged { kind, .. } => kind,
        Outcome::Ignored { .. } => panic!("an opened issue is triaged"),
    }
}

#[test]
fn the_sample_is_a_bug() {
    let sample = sample();
    assert_eq!(sample["name"], IssuesReceived::NAME);
    let end = deliver(&sample["data"]);
    assert_eq!(end.steps, ["classify", "summarize", "announce"]);
    assert_eq!(end.events[0].name, IssueTriaged::NAME);
    let triaged: IssueTriaged =
        serde_json::from_value(end.events[0].data.clone()).expect("it is what was sent");
    assert_eq!((triaged.kind, triaged.number), (Kind::Bug, 1347));
    assert_eq!(triaged.repository, "example/teapot");
    assert!(triaged.summary.starts_with("Kettle crashes"), "{}", triaged.summary);
    assert!(triaged.summary.ends_with("with `teapot serve`."), "{}", triaged.summary);
    assert!(triaged.summary.chars().count() <= 200 && !triaged.summary.contains("```"));
    let Outcome::Triaged { event, .. } = end.output() else { panic!("it was opened") };
    assert_eq!(event, "event-1");
}

#[test]
fn labels_decide_before_words() {
    assert_eq!(kind("It crashes", None, &["good first issue", "Type: Feature"]), Kind::Feature);
    assert_eq!(kind("It crashes", None, &["help wanted"]), Kind::Bug);
}

#[test]
fn words_decide_without_labels() {
    assert_eq!(kind("Please add support for oolong", None, &[]), Kind::Feature);
    assert_eq!(kind("How do I descale it", Some("I could not find it."), &[]), Kind::Question);
    assert_eq!(kind("Hello", Some("Buy now at the casino, promo code TEA"), &[]), Kind::Spam);
    assert_eq!(
        kind("x", Some("https://a.example https://b.example see https://c.example"), &[]),
        Kind::Spam
    );
    assert_eq!(kind("Tea", None, &[]), Kind::Unclear);
}

#[test]
fn other_actions_are_ignored_and_say_so() {
    for action in ["edited", "labeled", "closed", "reopened"] {
        let mut data = sample()["data"].clone();
        data["action"] = json!(action);
        let end = deliver(&data);
        let Outcome::Ignored { action: seen, .. } = end.output() else { panic!("{action}") };
        assert_eq!(seen, action);
        assert!(end.steps.is_empty() && end.events.is_empty());
    }
}

#[test]
fn a_long_text_is_cut_after_a_word() {
    let mut data = sample()["data"].clone();
    data["issue"]["title"] = json!("Long");
    data["issue"]["body"] = json!("ünïcode ".repeat(100));
    let Outcome::Triaged { summary, .. } = deliver(&data).output() else { panic!("it was opened") };
    assert!(summary.ends_with("ünïcode…"), "{summary}");
    assert!(summary.chars().count() <= 201);
}

#[test]
fn what_is_no_delivery_fails_for_good() {
    let end = deliver(&json!({"action": "opened"}));
    assert_eq!(end.error().name(), "EventDecodeError");
    assert_eq!(end.error().policy(), Retry::Never);
}
