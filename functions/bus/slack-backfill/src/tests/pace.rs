//! How fast it goes, and where it goes on in another run.

use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::{World, channel, message, range, world};
use crate::{BackfillRequested, Processed, Report, slack_channel_backfill};

fn slower() -> Response {
    Response::new(429).with_header("retry-after", "7")
}

#[system_bus_sdk::test]
fn it_waits_between_pages(kit: &mut Kit) {
    let history = vec![vec![message("3000.1", "U1")], vec![message("2000.1", "U1")]];
    world(kit, World { history, ..World::default() });
    let run = kit.start::<slack_channel_backfill>(channel(&range()));
    kit.until_waiting();
    assert_eq!(kit.look(run).waits_for(), ["rate-limit[1]"]);
    kit.advance(Duration::from_millis(1499));
    assert_eq!(kit.look(run).waits_for(), ["rate-limit[1]"]);
    kit.advance(Duration::from_millis(1));
    assert_eq!(kit.look(run).output::<Report>().pages_processed, 2);
}

#[system_bus_sdk::test]
fn where_slack_is_slow_a_page_goes_on_where_it_was(kit: &mut Kit) {
    let history = vec![vec![message("3000.1", "U1"), message("2000.1", "U2")]];
    let instead = vec![("users.info?user=U2", slower())];
    let shared = world(kit, World { history, instead, ..World::default() });
    let run = kit.start::<slack_channel_backfill>(channel(&range()));
    kit.until_waiting();
    assert_eq!(kit.look(run).waits_for(), ["slack-pace[1]"]);
    assert_eq!(shared.borrow().ids(), ["C1:3000.1"], "what was there already is kept");
    let run = kit.until_ended(run);
    let first: Processed = run.step("process-history-page[1]").output();
    assert_eq!((first.resume, first.wait_ms), (Some(1), 7000));
    assert_eq!(run.step("process-history-page[1.2]").output::<Processed>().indexed, 1);
    assert_eq!(run.output::<Report>().indexed_messages, 2);
    assert_eq!(shared.borrow().count("users.info?user=U1"), 1);
}

#[system_bus_sdk::test]
fn where_slack_is_slow_from_the_first_message_on_the_step_is_tried_later(kit: &mut Kit) {
    let mut thread = message("3000.1", "U1");
    thread["reply_count"] = json!(1);
    let instead = vec![("conversations.replies", slower()), ("conversations.history", slower())];
    let replies = [("3000.1", vec![message("3001.1", "U1")])].into();
    world(kit, World { history: vec![vec![thread]], replies, instead, ..World::default() });
    let run = kit.run::<slack_channel_backfill>(channel(&range()));
    assert_eq!(run.attempts("fetch-history-page[1]"), 2);
    assert_eq!(run.attempts("process-history-page[1]"), 2);
    assert_eq!(run.output::<Report>().indexed_messages, 2);
}

#[system_bus_sdk::test]
fn a_long_history_goes_on_in_another_run(kit: &mut Kit) {
    let history = (0..101).map(|page| vec![message(&format!("{}.1", 8000 - page), "U1")]);
    world(kit, World { history: history.collect(), ..World::default() });
    let run = kit.run::<slack_channel_backfill>(channel(&range()));
    let report: Report = run.output();
    assert_eq!((report.pages_processed, report.continued), (100, true));
    assert!(!run.step_names().contains(&"index-search-matches"));
    let rest = &kit.sent::<BackfillRequested>()[0];
    assert_eq!(
        (rest.oldest_ts.as_deref(), rest.latest_ts.as_deref()),
        (Some("1000"), Some("7901.1"))
    );
    assert_eq!((rest.channel_id.as_str(), rest.reason.as_deref()), ("C1", Some("test")));
}

#[system_bus_sdk::test]
fn ten_channels_begin_in_a_minute_and_the_others_wait(kit: &mut Kit) {
    world(kit, World::default());
    kit.serve::<slack_channel_backfill>();
    for number in 0..12 {
        kit.send(channel(&json!({"channelId": format!("C{number}"), "oldestTs": "1000"})));
    }
    kit.advance(Duration::from_secs(3));
    assert!(
        kit.runs::<slack_channel_backfill>().iter().filter(|run| !run.steps.is_empty()).count()
            < 12
    );
    kit.advance(Duration::from_mins(3));
    let ended = kit.runs::<slack_channel_backfill>();
    assert!(ended.iter().all(|run| run.output::<Report>().pages_processed == 1));
    assert_eq!(ended.len(), 12);
}

#[test]
fn the_keys_are_texts_and_no_names() {
    let declared = <slack_channel_backfill as system_bus_sdk::Function>::DECLARATION;
    let declared = serde_json::to_value(declared).expect("it is JSON");
    assert_eq!(declared["id"], "slack-channel-backfill");
    assert_eq!(declared["retries"], 3);
    assert_eq!(declared["concurrency"], json!([{"limit": 2, "key": "\"slack-backfill\""}]));
    assert_eq!(declared["throttle"]["limit"], 10);
    assert_eq!(declared["throttle"]["key"], "\"slack-backfill\"");
}
