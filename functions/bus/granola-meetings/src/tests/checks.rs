//! Looks for new meetings: one after another, and none by an event.

use serde_json::json;
use system_bus_sdk::Function;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::{under_way, world};
use crate::{
    BackfillRequested, CheckRequested, Checked, check_granola, granola_backfill,
    granola_check_cron, granola_list, meeting_analyze,
};

fn statuses(checked: &Checked) -> Vec<&str> {
    checked.meetings.iter().map(|one| one.status.as_str()).collect()
}

#[system_bus_sdk::test(crash = "everywhere")]
fn new_meetings_are_analysed_one_after_another(kit: &mut Kit) {
    let (world, _) = world(kit);
    let run = kit.run::<check_granola>(CheckRequested::default());
    run.assert_steps([
        "list-recent-meetings",
        "filter-processed",
        "notify-new-meetings",
        "analyze[m-one]",
        "cooldown[m-two]",
        "analyze[m-two]",
    ]);
    assert_eq!(statuses(&run.output()), ["analyzed", "analyzed"]);
    let fanned_out = kit.events().iter().any(|event| event.name == "meeting/noted");
    assert!(!fanned_out, "they are invoked, and no event is sent for them");
    world.redis(|redis| {
        let processed: Vec<_> = redis.sets["granola:processed"].iter().cloned().collect();
        assert_eq!(processed, ["m-one", "m-two"]);
        assert_eq!(redis.expiries["granola:processed"], Duration::from_hours(90 * 24));
    });
    assert_eq!(world.kinds(), ["granola.new.meetings", "meeting.analyzed", "meeting.analyzed"]);
    assert!(world.actions().contains(&"granola.check".to_owned()));
}

#[system_bus_sdk::test]
fn the_second_begins_when_the_first_has_ended_and_a_pause_is_over(kit: &mut Kit) {
    let (_world, _) = world(kit);
    kit.takes("pull-transcript", Duration::from_mins(5));
    let run = kit.start::<check_granola>(CheckRequested::default());
    let mut seen = Vec::new();
    for _ in 0..40 {
        kit.advance(Duration::from_secs(30));
        assert!(under_way(kit) <= 1);
        seen.push(kit.runs::<meeting_analyze>().len());
    }
    // The first one takes five minutes, the pause three.
    assert_eq!((seen[0], seen[14], seen[17]), (1, 1, 2));
    assert_eq!(kit.look(run).status, RunStatus::Completed);
}

#[system_bus_sdk::test]
fn whoever_asks_granola_waits_for_the_others_who_do(kit: &mut Kit) {
    let (_world, _) = world(kit);
    kit.takes("list-meetings", Duration::from_mins(1))
        .takes("pull-details", Duration::from_mins(1));
    let noted = json!({ "meetingId": "m-four", "title": "Four" });
    kit.start::<check_granola>(CheckRequested::default());
    kit.start::<granola_backfill>(BackfillRequested { dry_run: true, ..Default::default() });
    kit.send(Outgoing::named("meeting/noted", &noted));
    let asks = ["list-meetings", "pull-details"];
    let all = |kit: &Kit| [kit.runs::<granola_list>(), kit.runs::<meeting_analyze>()].concat();
    let mut answered = 0;
    for tick in 0..360 {
        let runs = all(kit);
        let asking = runs
            .iter()
            .filter(|run| run.waits_for().iter().any(|one| asks.contains(&one.as_str())));
        assert!(asking.count() <= 1, "two at once after {} s", tick * 5);
        answered =
            runs.iter().filter(|run| run.step_names().iter().any(|one| asks.contains(one))).count();
        assert!(answered * 60 <= tick * 5, "{answered} after {} s", tick * 5);
        kit.advance(Duration::from_secs(5));
    }
    // A list for the check and three for the backfill; two meetings of the check and the one that was noted.
    assert_eq!(answered, 7);
}

#[test]
fn the_limit_is_with_those_that_ask_granola_and_with_no_others() {
    let declared = |declaration| serde_json::to_value::<system_bus_sdk::Declaration>(declaration);
    let limit = json!([{ "limit": 1, "key": "\"granola-mcp\"", "scope": "account" }]);
    for limited in [meeting_analyze::DECLARATION, granola_list::DECLARATION] {
        assert_eq!(declared(limited).expect("it is JSON")["concurrency"], limit);
    }
    let throttle = &declared(meeting_analyze::DECLARATION).expect("it is JSON")["throttle"];
    assert_eq!((&throttle["limit"], &throttle["key"]), (&json!(1), &json!("\"granola-mcp\"")));
    for free in [check_granola::DECLARATION, granola_backfill::DECLARATION] {
        let free = declared(free).expect("it is JSON");
        for option in ["concurrency", "throttle", "rate_limit", "rateLimit"] {
            let option = &free[option];
            assert!(option.is_null() || *option == json!([]), "{free}");
        }
    }
}

#[system_bus_sdk::test]
fn a_meeting_that_fails_keeps_no_other(kit: &mut Kit) {
    let (world, _) = world(kit);
    kit.stub_function::<meeting_analyze>(|data| {
        if data["meetingId"] == "m-one" {
            return Err(Error::stop("no transcript"));
        }
        let (meeting_id, status) = ("m-two".to_owned(), "analyzed".to_owned());
        Ok(crate::Analyzed { meeting_id, status, ..Default::default() })
    });
    let run = kit.run::<check_granola>(CheckRequested::default());
    assert_eq!(statuses(&run.output()), ["error", "analyzed"]);
    assert!(world.actions().contains(&"granola.meeting.failed!".to_owned()));
}

#[system_bus_sdk::test]
fn where_nothing_is_new_nobody_hears_of_it(kit: &mut Kit) {
    let (world, instead) = world(kit);
    kit.run::<check_granola>(CheckRequested::default());
    let heard = world.heard().len();
    let run = kit.run::<check_granola>(CheckRequested::default());
    run.assert_steps(["list-recent-meetings", "filter-processed"]);
    let checked: Checked = run.output();
    assert_eq!((checked.status.as_str(), checked.total), ("noop", 2));
    instead.borrow_mut().push(("granola meetings", json!({ "ok": true, "result": [] })));
    let checked: Checked = kit.run::<check_granola>(CheckRequested::default()).output();
    assert_eq!((checked.status.as_str(), checked.total), ("noop", 0));
    assert_eq!(world.heard().len(), heard);
}

#[system_bus_sdk::test]
fn what_fails_is_no_list_without_meetings(kit: &mut Kit) {
    for answer in [
        json!({ "code": 1 }),
        json!({ "ok": false, "error": "not signed in" }),
        json!({ "ok": true, "result": "none" }),
        json!("no JSON of ours"),
    ] {
        let (world, instead) = world(kit);
        *instead.borrow_mut() = vec![("granola meetings", answer.clone()); 4];
        let run = kit.run::<check_granola>(CheckRequested::default());
        assert_eq!(run.status, RunStatus::Failed, "{answer}");
        assert_eq!((run.error().name(), world.ran().len()), ("Granola", 4), "{answer}");
        assert_eq!(world.actions(), ["granola.check!"]);
    }
}

#[system_bus_sdk::test]
fn without_redis_no_meeting_is_analysed_again(kit: &mut Kit) {
    let (world, _) = world(kit);
    world.redis_down();
    let run = kit.run::<check_granola>(CheckRequested::default());
    assert_eq!((run.status, run.attempts("filter-processed")), (RunStatus::Failed, 3));
    assert!(kit.runs::<meeting_analyze>().is_empty());
}

#[system_bus_sdk::test]
fn one_look_is_enough_at_a_time_and_a_deaf_gateway_no_harm(kit: &mut Kit) {
    let (world, _) = world(kit);
    world.gateway_down();
    let first = kit.start::<check_granola>(CheckRequested::default());
    kit.advance(Duration::from_secs(1));
    kit.send(CheckRequested::default());
    assert_eq!(kit.until_ended(first).status, RunStatus::Completed);
    let looked = kit.runs::<check_granola>().into_iter().filter(|run| !run.steps.is_empty());
    assert_eq!(looked.count(), 1);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_look_is_asked_for_once_an_hour(kit: &mut Kit) {
    let (_world, _) = world(kit);
    kit.serve::<granola_check_cron>();
    kit.advance(Duration::from_mins(8));
    kit.until_waiting();
    assert_eq!(kit.sent::<CheckRequested>().len(), 1);
    let run = kit.runs::<granola_check_cron>().pop().expect("it began");
    run.assert_steps(["check-if-needed", "request-check"]);
}

#[system_bus_sdk::test]
fn no_look_is_asked_for_while_one_was_or_without_redis(kit: &mut Kit) {
    let (world, _) = world(kit);
    kit.serve::<granola_check_cron>();
    world.redis(|redis| {
        redis.texts.insert("granola:check:last-requested".to_owned(), "another".to_owned())
    });
    kit.advance(Duration::from_mins(8));
    world.redis_down();
    kit.advance(Duration::from_mins(70));
    let runs = kit.runs::<granola_check_cron>();
    assert_eq!((runs[0].status, runs[1].status), (RunStatus::Completed, RunStatus::Failed));
    assert!(!runs[0].output::<bool>() && kit.sent::<CheckRequested>().is_empty());
    assert!(world.actions().contains(&"granola.check.requested!".to_owned()));
}
