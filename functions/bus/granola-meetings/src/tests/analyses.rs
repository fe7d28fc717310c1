//! One meeting.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::{Reason, Refused};
use system_bus_testing::{Kit, RunStatus};

use super::world;
use crate::{Analyzed, TranscriptFetched, meeting_analyze};

fn noted(id: &str) -> Outgoing {
    let data =
        json!({ "meetingId": id, "title": "Plans: \"all\" of\nthem", "participants": ["Ann"] });
    Outgoing::named("meeting/noted", &data)
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_meeting_leaves_a_note_its_tasks_and_its_words(kit: &mut Kit) {
    let (world, _) = world(kit);
    let run = kit.run::<meeting_analyze>(noted("m-one"));
    run.assert_steps([
        "check-processed",
        "pull-details",
        "pull-transcript",
        "analyze",
        "quality-gate-action-items",
        "create-tasks[0]",
        "write-vault-note",
        "emit-transcript",
        "mark-processed",
        "notify-gateway",
    ]);
    let done: Analyzed = run.output();
    assert_eq!((done.action_items, done.tasks_created, done.decisions), (1, 1, 1));
    let path = done.note.expect("a note");
    assert_eq!(path, "Resources/meetings/2026-03-01-plans-all-of-them-m-one.md");
    let note = world.content("vault", &path).expect("it is there");
    for line in [
        "title: \"Plans: \\\"all\\\" of\\nthem\"\n",
        "people: [\"Ann\"]\n",
        "# Plans: \"all\" of them\n",
        "- Go on\n",
        "- [ ] Send the plan to Ann (Joel)\n",
        "- Ask again\n",
    ] {
        assert!(note.contains(line), "{line} {note}");
    }
    let sent: Vec<TranscriptFetched> = kit.sent();
    assert_eq!(sent[0].transcript, "Ann spoke in m-one");
    assert_eq!(world.kinds(), ["meeting.analyzed"]);
    assert_eq!(world.actions(), ["meeting.analyze"]);
}

#[system_bus_sdk::test]
fn a_meeting_that_was_looked_at_is_skipped(kit: &mut Kit) {
    let (world, _) = world(kit);
    kit.run::<meeting_analyze>(noted("m-one"));
    let ran = world.ran().len();
    let run = kit.run::<meeting_analyze>(noted("m-one"));
    run.assert_steps(["check-processed"]);
    assert_eq!((run.output::<Analyzed>().status.as_str(), world.ran().len()), ("skipped", ran));
}

#[system_bus_sdk::test]
fn other_news_of_meetings_begin_nothing(kit: &mut Kit) {
    let (_world, _) = world(kit);
    kit.send(Outgoing::named("meeting/transcript.fetched", &json!({ "meetingId": "m-one" })));
    assert!(kit.runs::<meeting_analyze>().is_empty());
}

#[system_bus_sdk::test]
fn where_granola_wants_to_be_asked_later_it_is(kit: &mut Kit) {
    for limit in [
        json!({ "ok": true, "result": { "transcript": "Rate limit exceeded, slow down" } }),
        json!({ "ok": false, "error": { "message": "Too many requests" } }),
    ] {
        let (world, instead) = world(kit);
        instead.borrow_mut().push(("granola meeting m-one --transcript", limit.clone()));
        let run = kit.start::<meeting_analyze>(noted("m-one"));
        // The throttle lets one begin in a minute, and this may be the second one.
        kit.advance(Duration::from_secs(100));
        assert_eq!(
            world.lines().iter().filter(|line| line.contains("--transcript")).count(),
            1,
            "{limit}"
        );
        let run = kit.until_ended(run);
        assert_eq!(run.attempts("pull-transcript"), 2);
        assert_eq!(run.output::<Analyzed>().status, "analyzed");
    }
}

#[system_bus_sdk::test]
fn a_long_transcript_may_speak_of_limits(kit: &mut Kit) {
    let (_world, instead) = world(kit);
    let words = format!("Ann spoke in m-one. {} The rate limit hurts.", "So. ".repeat(200));
    let result = json!({ "ok": true, "result": { "transcript": words } });
    instead.borrow_mut().push(("granola meeting m-one --transcript", result));
    assert_eq!(kit.run::<meeting_analyze>(noted("m-one")).attempts("pull-transcript"), 1);
}

#[system_bus_sdk::test]
fn without_a_model_a_meeting_is_not_taken_for_an_empty_one(kit: &mut Kit) {
    let (world, _) = world(kit);
    world.model(|_| Err(Refused::new(Reason::Unavailable, "gone")));
    let run = kit.run::<meeting_analyze>(noted("m-one"));
    assert_eq!((run.status, run.attempts("analyze")), (RunStatus::Failed, 6));
    assert!(world.redis(|redis| redis.sets.is_empty()), "it is found again");
    assert_eq!(world.actions(), ["meeting.analyze!"]);
}

#[system_bus_sdk::test]
fn a_meeting_without_its_note_is_not_marked(kit: &mut Kit) {
    let (world, _) = world(kit);
    world.disk_down();
    let run = kit.run::<meeting_analyze>(noted("m-one"));
    assert_eq!(run.status, RunStatus::Failed);
    assert!(world.redis(|redis| redis.sets.is_empty()));
    assert!(kit.sent::<TranscriptFetched>().is_empty());
}

#[system_bus_sdk::test]
fn an_id_that_is_an_option_fails_at_once(kit: &mut Kit) {
    let (world, _) = world(kit);
    for id in ["", "--all", "../x"] {
        let run = kit.run::<meeting_analyze>(noted(id));
        assert_eq!(run.error().name(), "Invalid", "{id}");
    }
    assert!(world.ran().is_empty());
}

#[system_bus_sdk::test]
fn a_deaf_gateway_fails_nothing(kit: &mut Kit) {
    let (world, _) = world(kit);
    world.gateway_down();
    assert_eq!(kit.run::<meeting_analyze>(noted("m-one")).status, RunStatus::Completed);
}
