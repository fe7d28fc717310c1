//! Sessions that are looked at.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::site::world;
use super::{ended, ended_with, everywhere, sample};
use crate::{Accumulated, Observed, Report, Trigger, observe_failed, observe_session};

const STEPS: [&str; 14] = [
    "validate-input",
    "otel-observe-start",
    "dedupe-check",
    "call-observer-llm",
    "parse-observations",
    "append-daily-log",
    "store-to-typesense",
    "otel-observe-store-result",
    "pds-dual-write",
    "update-redis-state",
    "check-threshold",
    "emit-accumulated",
    "notify-gateway",
    "otel-observe-finish",
];

fn observed(report: Report) -> Observed {
    match report {
        Report::Observed(observed) => *observed,
        other => panic!("it was not looked at: {other:?}"),
    }
}

#[system_bus_sdk::test(crash = "everywhere")]
fn what_is_worth_it_is_kept_everywhere_and_once(kit: &mut Kit) {
    everywhere(kit);
    let (world, site) = world(kit);
    let run = kit.run::<observe_session>(ended());
    run.assert_steps(STEPS);
    let done = observed(run.output());
    let site = site.borrow();
    let allowed = "Always use pnpm in this project, never npm.";
    let texts = site.texts();
    let texts: Vec<_> =
        texts.iter().map(|(text, verdict)| (text.as_str(), verdict.as_str())).collect();
    assert_eq!(texts, [(allowed, "allow"), ("The build passes with the new lockfile.", "hold"),]);
    assert!(
        site.documents.values().all(|one| one["merged_count"] == 1),
        "nothing merges with itself"
    );
    assert_eq!((site.dashboard.len(), site.records.len()), (2, 1));
    assert_eq!((done.counts.observations, done.counts.stored_count), (3, 2));
    assert_eq!(
        (done.counts.allow_count, done.counts.hold_count, done.counts.discard_count),
        (1, 1, 1)
    );
    assert_eq!(done.counts.fallback_count, 0, "the health check counts those");
    assert!(done.by_model && done.redis_updated);
    let log = world.content("memory", "2026-03-01.md").expect("a log");
    assert_eq!(log.matches("### Observations (session: session-1, part: ").count(), 1, "{log}");
    for line in [
        ", 12:34)",
        "**Trigger**: shutdown",
        "**Files**: 1 modified, 1 read",
        "#### Package manager",
        "- Always use pnpm",
        "**Current task**: moving to pnpm",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    world.redis(|redis| {
        let list = &redis.lists["memory:observations:2026-03-01"];
        assert_eq!(list.len(), 1, "a step that runs twice adds once");
        assert_eq!(redis.texts["memory:latest:2026-03-01"], list[0]);
        let month = Duration::from_hours(30 * 24);
        assert_eq!(redis.expiries["memory:observations:2026-03-01"], month);
        assert!(!redis.expiries.contains_key("memory:latest:2026-03-01"));
        let lock = "memory:observe:lock:session-1-end";
        assert_eq!(
            (&redis.texts[lock], redis.expiries[lock].as_secs()),
            (&run.id.to_string(), 3600)
        );
        let held: Value = serde_json::from_str(&list[0]).expect("it is JSON");
        assert_eq!(held["metadata"]["reflectable_count"], 1);
        assert_eq!(held["summary"], allowed);
    });
    assert!(!log.contains("said thanks"), "what is discarded is written nowhere: {log}");
    let sent: Vec<Accumulated> = kit.sent();
    assert_eq!((sent[0].observation_count, sent[0].reflectable_count), (3, 1));
    assert_eq!((sent[0].date.as_str(), sent[0].total_tokens), ("2026-03-01", 2));
    assert_eq!(world.kinds(), ["memory.observed"]);
    assert_eq!(
        world.actions(),
        ["observe.started", "observe.store.completed", "observe.completed"]
    );
}

#[system_bus_sdk::test]
fn a_session_that_forgets_its_beginning_says_its_tokens(kit: &mut Kit) {
    world(kit).1.borrow_mut().down.clear();
    let event = sample(include_str!("../../events/session-compaction-pending.json"));
    kit.run::<observe_session>(event);
    assert_eq!(kit.sent::<Accumulated>()[0].total_tokens, 120_000);
}

#[system_bus_sdk::test]
fn an_old_session_is_kept_and_nobody_is_asked_to_reflect(kit: &mut Kit) {
    let (world, _site) = world(kit);
    let run = kit.run::<observe_session>(ended_with("trigger", json!("backfill")));
    let names = run.step_names();
    assert!(!names.contains(&"emit-accumulated") && names.contains(&"notify-gateway"));
    assert!(!observed(run.output()).accumulated && kit.events().is_empty());
    assert_eq!(world.kinds(), ["memory.observed"]);
}

#[system_bus_sdk::test]
fn where_nothing_was_said_nobody_is_asked(kit: &mut Kit) {
    let (world, site) = world(kit);
    let tools = "<tool_result>\n{\"a\": 1}\n</tool_result>\n[tool: read]\n";
    let run = kit.run::<observe_session>(ended_with("messages", json!(tools)));
    run.assert_steps([
        "validate-input",
        "otel-observe-start",
        "dedupe-check",
        "otel-observe-skipped",
    ]);
    let Report::Skipped { reason, .. } = run.output() else { panic!("it was looked at") };
    assert_eq!(reason, "empty transcript");
    assert!(site.borrow().asked.is_empty());
    assert_eq!(world.actions(), ["observe.started", "observe.skipped"]);
}

#[system_bus_sdk::test]
fn what_is_no_session_fails_at_once(kit: &mut Kit) {
    let (world, _site) = world(kit);
    kit.serve::<observe_failed>();
    for (name, value) in [
        ("sessionId", json!("")),
        ("dedupeKey", json!(null)),
        ("messages", json!("  ")),
        ("messages", json!(7)),
        ("trigger", json!("compaction")),
        ("trigger", json!("whim")),
    ] {
        let run = kit.run::<observe_session>(ended_with(name, value.clone()));
        assert_eq!(run.error().name(), "Invalid", "{name} {value}");
        assert_eq!(run.attempts("validate-input"), 1);
    }
    kit.until_waiting();
    assert_eq!(world.actions()[0], "observe.failed!");
}

#[system_bus_sdk::test]
fn secrets_reach_neither_the_model_nor_what_is_stored(kit: &mut Kit) {
    let (world, site) = world(kit);
    let key = format!("ghp_{}", "a1".repeat(12));
    let leaked = format!("- [gate=allow] The key is {key} for now.");
    let given = key.clone();
    world.model(move |ask| {
        assert!(!ask.prompt.contains(&given) && ask.prompt.contains("[masked]"), "{}", ask.prompt);
        super::said(&leaked)
    });
    let run =
        kit.run::<observe_session>(ended_with("messages", json!(format!("user: use {key} now"))));
    assert!(observed(run.output()).by_model);
    assert_eq!(site.borrow().texts()[0].0, "The key is [masked] for now.");
    let validated = run.step("validate-input").output::<crate::Session>();
    assert_eq!(validated.trigger, Trigger::Shutdown);
    for step in run.steps.iter().filter_map(|step| step.result.as_ref().ok()) {
        assert!(!step.to_string().contains(&key), "no step holds it");
    }
}

#[system_bus_sdk::test]
fn four_begin_in_a_minute_and_the_others_wait(kit: &mut Kit) {
    let (_world, _site) = world(kit);
    kit.serve::<observe_session>();
    for number in 0..6 {
        kit.send(ended_with("dedupeKey", json!(format!("part-{number}"))));
    }
    kit.advance(Duration::from_secs(1));
    let begun = |kit: &Kit| {
        kit.runs::<observe_session>().iter().filter(|run| !run.steps.is_empty()).count()
    };
    assert!(begun(kit) <= 4, "{}", begun(kit));
    kit.advance(Duration::from_mins(3));
    assert_eq!(begun(kit), 6);
    let declared = <observe_session as system_bus_sdk::Function>::DECLARATION;
    let declared = serde_json::to_value(declared).expect("it is JSON");
    assert_eq!((&declared["throttle"]["limit"], &declared["retries"]), (&json!(4), &json!(3)));
}
