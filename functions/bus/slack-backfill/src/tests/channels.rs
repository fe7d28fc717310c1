//! Backfills of one channel.

use outside::testing;
use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::{World, channel, message, range, world};
use crate::{Report, slack_channel_backfill};

#[system_bus_sdk::test]
fn history_replies_names_and_search_are_taken_in_page_by_page(kit: &mut Kit) {
    let outside = testing::World::begin();
    let mut thread = message("3000.1", "U1");
    thread["reply_count"] = json!(2);
    thread["thread_ts"] = json!("3000.1");
    thread["reactions"] = json!([{"name": "eyes", "count": 2}, {"name": "eyes"}]);
    let mut reply = message("3001.1", "U2");
    reply["thread_ts"] = json!("3000.1");
    let joined = json!({"ts": "2000.1", "subtype": "channel_join", "user": "U9"});
    let mut matched = message("4000.1", "U3");
    matched["channel"] = json!({"id": "C1"});
    let mut elsewhere = message("4001.1", "U3");
    elsewhere["channel"] = json!({"id": "C2"});
    let mut before = message("1.1", "U3");
    before["channel"] = json!({"id": "C1"});
    let shared = world(
        kit,
        World {
            history: vec![vec![thread.clone(), joined], vec![message("1500.1", "U1")]],
            replies: [("3000.1", vec![thread, reply])].into(),
            found: vec![vec![matched], vec![elsewhere, before]],
            ..World::default()
        },
    );
    let run = kit.run::<slack_channel_backfill>(channel(&range()));
    run.assert_steps([
        "resolve-time-range",
        "lease-slack-user-token",
        "ensure-slack-messages-collection",
        "emit-slack-backfill-started",
        "fetch-history-page[1]",
        "process-history-page[1]",
        "rate-limit[1]",
        "fetch-history-page[2]",
        "process-history-page[2]",
        "index-search-matches",
        "emit-slack-backfill-completed",
    ]);
    let report: Report = run.output();
    assert_eq!((report.pages_processed, report.fetched_messages), (2, 4));
    assert_eq!((report.indexed_messages, report.skipped_messages), (3, 1));
    assert_eq!((report.search_matches, report.typesense_success), (1, 4));
    assert_eq!((report.channel_category.as_str(), report.continued), ("project", false));
    let shared = shared.borrow();
    assert_eq!(shared.ids(), ["C1:1500.1", "C1:3000.1", "C1:3001.1", "C1:4000.1"]);
    let documents = shared.documents.as_ref().expect("a collection");
    let reply = &documents["C1:3001.1"];
    assert_eq!(
        (&reply["is_thread_reply"], &reply["user_name"]),
        (&json!(true), &json!("name of U2"))
    );
    assert_eq!(documents["C1:3000.1"]["reactions"], json!(["eyes"]));
    assert_eq!(documents["C1:3000.1"]["is_thread_reply"], false);
    assert_eq!(documents["C1:3000.1"]["timestamp"], 3000);
    assert_eq!(shared.count("/users.info?user=U1"), 1, "a name is looked up once in a run");
    let first = shared.asked.iter().find(|line| line.contains("history")).expect("a request");
    assert!(
        first.ends_with("?channel=C1&limit=200&oldest=1000&latest=9000&inclusive=true"),
        "{first}"
    );
    assert_eq!(
        outside.actions(),
        [
            "channel.slack.backfill.started",
            "channel.slack.backfill.page_indexed",
            "channel.slack.backfill.page_indexed",
            "channel.slack.backfill.completed",
        ]
    );
}

#[system_bus_sdk::test]
fn no_step_ends_with_the_token_or_what_stands_for_it(kit: &mut Kit) {
    world(kit, World { history: vec![vec![message("3000.1", "U1")]], ..World::default() });
    let run = kit.run::<slack_channel_backfill>(channel(&range()));
    assert_eq!(run.step("lease-slack-user-token").output::<Value>(), json!(true));
    for step in &run.steps {
        let stored = step.result.as_ref().expect("it ended well").to_string();
        for secret in ["<slack_user_token>", "<typesense_api_key>"] {
            assert!(!stored.contains(secret), "{}: {stored}", step.name);
        }
    }
}

#[system_bus_sdk::test]
fn a_range_that_is_none_fails_for_good(kit: &mut Kit) {
    world(kit, World::default());
    for (range, message) in [
        (json!({"oldestTs": "9000", "latestTs": "1000"}), "oldestTs has to be before latestTs"),
        (
            json!({"oldestTs": "soon"}),
            "oldestTs and latestTs have to be times as Slack writes them",
        ),
    ] {
        let outside = testing::World::begin();
        let run = kit.run::<slack_channel_backfill>(channel(&range));
        assert_eq!((run.status, run.error().message()), (RunStatus::Failed, message));
        assert_eq!(run.attempts("resolve-time-range"), 1);
        assert_eq!(outside.actions(), ["channel.slack.backfill.failed!"]);
    }
    let run = kit.run::<slack_channel_backfill>(channel(&json!({"channelId": " "})));
    assert_eq!(run.error().message(), "a backfill needs channelId and channelName");
}

#[system_bus_sdk::test]
fn without_a_range_it_goes_sixty_days_back(kit: &mut Kit) {
    world(kit, World::default());
    let now = kit.now().as_second();
    let report: Report = kit.run::<slack_channel_backfill>(channel(&json!({}))).output();
    assert_eq!(report.range.latest_ts, now.to_string());
    assert_eq!(report.range.oldest_ts, (now - 60 * 24 * 3600).to_string());
}

#[system_bus_sdk::test]
fn what_slack_refuses_for_good_is_not_asked_again(kit: &mut Kit) {
    let refused = Response::new(200).with_json(&json!({"ok": false, "error": "channel_not_found"}));
    let instead = vec![("conversations.history", refused)];
    world(kit, World { instead, ..World::default() });
    let run = kit.run::<slack_channel_backfill>(channel(&range()));
    assert_eq!(run.error().name(), "channel_not_found");
    assert_eq!(run.attempts("fetch-history-page[1]"), 1);
}

#[system_bus_sdk::test]
fn a_token_that_may_not_search_is_no_failure(kit: &mut Kit) {
    let refused = Response::new(200).with_json(&json!({"ok": false, "error": "missing_scope"}));
    let instead = vec![("search.messages", refused)];
    let history = vec![vec![message("3000.1", "U1")]];
    world(kit, World { history, instead, ..World::default() });
    let run = kit.run::<slack_channel_backfill>(channel(&range()));
    let found = run.step("index-search-matches").output::<Value>();
    assert_eq!(found["skipped"], "Slack refuses search.messages for good: missing_scope");
    assert_eq!(run.output::<Report>().indexed_messages, 1);
}

#[system_bus_sdk::test]
fn somebody_whom_slack_does_not_know_goes_by_the_id(kit: &mut Kit) {
    for error in ["user_not_found", "user_not_visible"] {
        let refused = Response::new(200).with_json(&json!({"ok": false, "error": error}));
        let instead = vec![("users.info", refused)];
        let history = vec![vec![message("3000.1", "U1")]];
        let shared = world(kit, World { history, instead, ..World::default() });
        let run = kit.run::<slack_channel_backfill>(channel(&range()));
        assert_eq!(run.attempts("process-history-page[1]"), 1, "{error}");
        let shared = shared.borrow();
        let documents = shared.documents.as_ref().expect("a collection");
        assert_eq!(documents["C1:3000.1"]["user_name"], "U1", "{error}");
    }
}

#[system_bus_sdk::test]
fn a_thread_that_was_removed_meanwhile_has_no_replies(kit: &mut Kit) {
    let refused = Response::new(200).with_json(&json!({"ok": false, "error": "thread_not_found"}));
    let instead = vec![("conversations.replies", refused)];
    let mut thread = message("3000.1", "U1");
    thread["reply_count"] = json!(2);
    let history = vec![vec![thread, message("2000.1", "U1")]];
    let world = world(kit, World { history, instead, ..World::default() });
    let report: Report = kit.run::<slack_channel_backfill>(channel(&range())).output();
    assert_eq!(report.indexed_messages, 2);
    assert_eq!(world.borrow().ids(), ["C1:2000.1", "C1:3000.1"]);
    assert_eq!(world.borrow().count("conversations.replies"), 1);
}

#[system_bus_sdk::test]
fn what_the_index_refuses_is_counted_and_told(kit: &mut Kit) {
    let outside = testing::World::begin();
    let lines = "{\"success\":false,\"error\":\"bad\"}";
    let instead = vec![("documents/import", Response::new(200).with_body(lines))];
    let history = vec![vec![message("3000.1", "U1"), message("2000.1", "U1")]];
    world(kit, World { history, instead, ..World::default() });
    let run = kit.run::<slack_channel_backfill>(channel(&range()));
    let report: Report = run.output();
    assert_eq!((report.typesense_success, report.typesense_errors), (0, 2));
    assert_eq!(
        outside.actions(),
        [
            "channel.slack.backfill.started",
            "channel.slack.backfill.page_indexed!",
            "channel.slack.backfill.completed!",
        ]
    );
}

#[system_bus_sdk::test(crash = "everywhere")]
fn the_same_documents_are_there_whatever_dies(kit: &mut Kit) {
    // A document that is taken in again takes the place of itself; the ids below show it.
    kit.may_repeat("POST http://localhost:8108/collections/slack_messages/documents/import");
    let history = vec![vec![message("3000.1", "U1")], vec![message("2000.1", "U2")]];
    let shared = world(kit, World { history, ..World::default() });
    let report: Report = kit.run::<slack_channel_backfill>(channel(&range())).output();
    assert_eq!((report.pages_processed, report.indexed_messages), (2, 2));
    assert_eq!(shared.borrow().ids(), ["C1:2000.1", "C1:3000.1"]);
}
