//! What comes of requests.

use healing_policy::Action;
use outside::Note;
use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;
use system_bus_testing::Kit;

use super::request;
use crate::{HealingCompleted, Routed, SendMessage, Status, route};

/// Runs one request: what came of it, the steps, and the one record.
fn run(kit: &mut Kit, members: Value) -> (Routed, Vec<String>, Note) {
    let world = World::begin();
    let run = kit.run::<route>(request(members));
    let steps = run.step_names().into_iter().map(str::to_owned).collect();
    let mut notes = world.notes();
    assert_eq!(notes.len(), 1, "each request leaves one record: {notes:?}");
    let note = notes.remove(0);
    assert_eq!(note.component, "self-healing");
    assert_eq!(note.action, "system.self-healing.router");
    (run.output(), steps, note)
}

#[system_bus_sdk::test]
fn below_the_budget_the_target_event_is_sent_again(kit: &mut Kit) {
    let (routed, steps, note) = run(kit, json!({"attempt": 2}));
    assert_eq!((routed.status, routed.action), (Status::Scheduled, Action::Pause));
    assert_eq!(
        steps,
        [
            "decide-self-healing",
            "self-healing-router-wait",
            "emit-self-healing-retry",
            "emit-self-healing-completed"
        ]
    );
    assert!(note.error.is_none() && note.level == Level::Info);
    assert_eq!(note.metadata["status"], "scheduled");

    let events = kit.events();
    let retry = &events[0];
    assert_eq!(retry.name, "gateway/health.check.requested");
    assert_eq!((&retry.data["attempt"], &retry.data["nextAttempt"]), (&json!(3), &json!(3)));
    assert_eq!(retry.data["decision"]["action"], "pause");
    assert_eq!(retry.data["decision"]["model"], "deterministic-guardrail");
    assert_eq!(retry.data["retryPolicy"]["maxRetries"], 5);
    assert_eq!(retry.data["context"]["checkMode"], "core");
    assert_eq!(retry.data["context"]["runContext"]["nextAttempt"], 3);
    assert_eq!(retry.data["playbook"], json!({"actions": ["look"]}));
    assert_eq!(retry.data["problemSummary"], "Gateway is down");
    assert_eq!(retry.data["dryRun"], false);

    let completed = &kit.sent::<HealingCompleted>()[0];
    assert_eq!((completed.status, completed.action), (Status::Scheduled, Action::Pause));
    assert_eq!((completed.attempt, completed.next_attempt), (2, 3));
    assert_eq!(completed.delay_ms, routed.delay_ms);
    assert!(kit.sent::<SendMessage>().is_empty());
}

#[system_bus_sdk::test]
fn at_the_budget_people_are_told(kit: &mut Kit) {
    let (routed, steps, note) = run(kit, json!({"attempt": "5"}));
    assert_eq!((routed.status, routed.action), (Status::Escalated, Action::Escalate));
    assert_eq!(
        steps,
        ["decide-self-healing", "emit-self-healing-completed", "alert-self-healing-escalated"]
    );
    assert!(note.error.is_some() && note.level == Level::Warn);
    assert_eq!(kit.sent::<HealingCompleted>()[0].status, Status::Escalated);
    let message = &kit.sent::<SendMessage>()[0];
    assert_eq!(message.channel, "telegram");
    assert!(message.text.contains("target: Gateway"), "{}", message.text);
}

#[system_bus_sdk::test]
fn an_incomplete_request_is_not_decided_about(kit: &mut Kit) {
    for (members, lacks) in [
        (json!({"problemSummary": " "}), "problemSummary"),
        (json!({"sourceFunction": null, "targetComponent": 7}), "sourceFunction, targetComponent"),
    ] {
        let (routed, steps, note) = run(kit, members);
        assert_eq!((routed.status, routed.action), (Status::Invalid, Action::Escalate));
        assert_eq!(routed.reason, format!("the request lacks {lacks}"));
        assert_eq!(steps, ["emit-self-healing-completed"]);
        assert!(note.error.is_some());
    }
    let run = kit.run::<route>(Outgoing::named("system/self.healing.requested", &json!({})));
    assert_eq!(run.output::<Routed>().status, Status::Invalid);
}

#[system_bus_sdk::test]
fn without_an_event_to_send_it_is_blocked(kit: &mut Kit) {
    let (routed, steps, note) = run(kit, json!({"targetEventName": null}));
    assert_eq!(routed.status, Status::Blocked);
    assert_eq!(
        steps,
        ["decide-self-healing", "emit-self-healing-completed", "alert-self-healing-exhausted"]
    );
    assert_eq!(note.error.as_deref(), Some("there is no event to send again"));
}

#[system_bus_sdk::test]
fn backups_are_their_own_router_s(kit: &mut Kit) {
    for members in [
        json!({"domain": "backup"}),
        json!({"domain": "all", "targetEventName": "system/backup.retry.requested"}),
        json!({"targetEventName": null, "routeToEventName": "system/backup.retry.requested"}),
    ] {
        let (routed, steps, note) = run(kit, members);
        assert_eq!((routed.status, routed.action), (Status::Blocked, Action::Escalate));
        assert_eq!(routed.reason, "system/backup.failure.router owns it");
        assert_eq!(steps, ["emit-self-healing-completed", "alert-self-healing-backup-blocked"]);
        assert!(note.error.is_some());
    }
}

#[system_bus_sdk::test]
fn what_the_runtime_healer_does_is_not_done_here_and_disturbs_nobody(kit: &mut Kit) {
    for members in [
        json!({"domain": "inngest-runtime"}),
        json!({"domain": "all", "targetEventName": "system/inngest.runtime.health.requested"}),
    ] {
        let (routed, steps, note) = run(kit, members);
        assert_eq!(routed.status, Status::Blocked);
        assert_eq!(steps, ["emit-self-healing-completed"]);
        assert!(note.error.is_none() && note.level == Level::Debug);
    }
    assert!(kit.sent::<SendMessage>().is_empty());
}

#[system_bus_sdk::test]
fn attempts_count_up_over_two_failures_in_a_row(kit: &mut Kit) {
    let mut members = json!({"retryPolicy": {"maxRetries": 2, "sleepMinMs": 5000}});
    for (attempt, status) in
        [(1, Status::Scheduled), (2, Status::Scheduled), (3, Status::Escalated)]
    {
        let (routed, ..) = run(kit, members);
        assert_eq!((routed.next_attempt, routed.status), (attempt, status));
        // Whoever got the event again asks for healing again, with what it was given.
        let events = kit.events();
        let mut retries =
            events.iter().filter(|event| event.name == "gateway/health.check.requested");
        members = retries.next_back().expect("an event").data.clone();
    }
}

#[system_bus_sdk::test]
fn a_model_decides_only_where_it_is_wanted_and_the_rule_where_none_answers(kit: &mut Kit) {
    // A native build has no models, so the rule has to answer, whatever the setting says.
    kit.config("JOELCLAW_SELF_HEALING_MODEL_ROUTER", "1");
    kit.config("SELF_HEALING_ROUTER_FALLBACK_MODEL", "other");
    let (routed, ..) = run(kit, json!({}));
    assert_eq!(routed.status, Status::Scheduled);
    assert_eq!(kit.sent::<HealingCompleted>()[0].model, "deterministic-guardrail");
}

/// A decision as a model would make it.
fn decided(action: &str, delay: u64, route: Option<&str>) -> Value {
    json!({
        "decision": {"action": action, "delayMs": delay, "reason": "so said the model",
            "confidence": 0.5, "model": "m", "routeToEventName": route},
        "policy": {"maxRetries": 5, "sleepMinMs": 5000, "sleepMaxMs": 14_400_000, "sleepStepMs": 5000},
    })
}

#[system_bus_sdk::test]
fn what_a_model_decides_stays_within_the_budget_and_the_owners(kit: &mut Kit) {
    let none = json!(null);
    for (answer, attempt, target, status) in [
        (decided("retry", 9000, None), 0, json!("a/b"), Status::Scheduled),
        (decided("retry", 9000, None), 5, json!("a/b"), Status::Exhausted),
        (decided("escalate", 0, None), 0, json!("a/b"), Status::Escalated),
        (decided("retry", 9000, Some("c/d")), 0, none.clone(), Status::Scheduled),
        (decided("retry", 9000, None), 0, none.clone(), Status::Blocked),
        (decided("retry", 9000, Some("system/backup.retry.requested")), 0, none, Status::Blocked),
    ] {
        kit.stub("decide-self-healing", move |_| Ok(answer.clone()));
        let (routed, ..) = run(kit, json!({"attempt": attempt, "targetEventName": target}));
        assert_eq!(routed.status, status, "{routed:?}");
    }
    let retries: Vec<_> = kit.events().into_iter().map(|event| event.name).collect();
    assert!(retries.contains(&"a/b".to_owned()) && retries.contains(&"c/d".to_owned()));
    assert!(!retries.contains(&"system/backup.retry.requested".to_owned()));
}

#[system_bus_sdk::test(crash = "everywhere")]
fn each_request_leads_to_one_retry_and_one_completion_whatever_dies(kit: &mut Kit) {
    let run = kit.run::<route>(request(json!({})));
    assert_eq!(run.output::<Routed>().status, Status::Scheduled);
    let names: Vec<_> = kit.events().into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["gateway/health.check.requested", "system/self.healing.completed"]);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn each_alert_is_sent_once_whatever_dies(kit: &mut Kit) {
    kit.run::<route>(request(json!({"attempt": 9})));
    assert_eq!(kit.sent::<SendMessage>().len(), 1);
}
