//! Channels whose history is taken in.

use serde_json::{Value, json};

use super::{Backfill, EVENT, FUNCTION, backfilled, channel, steps};
use crate::flows::scene::{Ran, Scene};

const BATCH: &str = "slack-backfill-batch";
const BATCH_EVENT: &str = "channel/slack.backfill.batch.requested";

/// A batch asks once for each channel.
pub(super) async fn batch(backfill: &Backfill, scene: &Scene) -> Vec<Ran> {
    let asked = json!({
        "channels": [
            {"id": " C-TEA ", "name": "cc-tea"},
            {"id": "C-TEA", "name": "cc-tea"},
            {"id": "", "name": "nowhere"},
            {"id": "C-NAMELESS"},
            {"id": "C-HQ", "name": "egghead-hq"},
        ],
        "oldestTs": "1000",
        "reason": "a batch",
    });
    let batch = scene.run(BATCH, BATCH_EVENT, &asked).await;
    batch.assert_steps(&["fan-out-slack-channel-backfill"]);
    assert_eq!(batch.result(), &json!({"requested": 2, "ignored": 3}));
    assert_eq!(scene.actions(&batch), ["channel.slack.backfill.batch.requested"]);
    let events = scene.events(EVENT).await.into_iter();
    let events = events.map(|event| event["data"].clone());
    let mut events: Vec<_> = events.filter(|data| data["reason"] == "a batch").collect();
    events.sort_by_key(|data| data["channelId"].to_string());
    let wanted = |id, name| json!({"channelId": id, "channelName": name, "oldestTs": "1000", "reason": "a batch"});
    assert_eq!(events, [wanted("C-HQ", "egghead-hq"), wanted("C-TEA", "cc-tea")]);

    let nothing = json!({"channels": [{"id": " ", "name": "x"}]});
    let empty = scene.run(BATCH, BATCH_EVENT, &nothing).await;
    empty.assert_steps(&["emit-slack-backfill-batch-empty"]);
    assert_eq!(empty.result(), &json!({"requested": 0, "ignored": 1}));
    assert_eq!(scene.record(&empty, "channel.slack.backfill.batch.empty")["level"], "warn");

    let of = |id: &'static str| {
        move |data: &Value| data["reason"] == "a batch" && data["channelId"] == id
    };
    let (tea, hq) = tokio::join!(
        scene.follows(FUNCTION, EVENT, of("C-TEA")),
        scene.follows(FUNCTION, EVENT, of("C-HQ"))
    );
    taken(backfill, scene, &tea);
    refused(backfill, scene, &hq);
    vec![batch, empty, tea, hq]
}

/// Pages, threads, names and what the search has found.
fn taken(backfill: &Backfill, scene: &Scene, run: &Ran) {
    run.assert_steps(&steps(&[
        "fetch-history-page[1]",
        "process-history-page[1]",
        "rate-limit[1]",
        "fetch-history-page[2]",
        "process-history-page[2]",
    ]));
    let report = run.result();
    let counted = json!({
        "channelId": "C-TEA",
        "channelName": "cc-tea",
        "channelCategory": "cc",
        "oldestTs": "1000",
        "latestTs": report["latestTs"],
        "pagesProcessed": 2,
        "fetchedMessages": 7,
        "indexedMessages": 5,
        "skippedMessages": 2,
        "searchMatches": 1,
        "typesenseSuccess": 6,
        "typesenseErrors": 0,
        "continued": false,
    });
    assert_eq!(report, &counted);
    assert_eq!(run.result_of("lease-slack-user-token"), &json!(true));

    let documents = backfill.index.documents("C-TEA");
    let times: Vec<_> = documents.keys().map(String::as_str).collect();
    assert_eq!(times, ["1500.1", "3000.1", "3001.1", "3002.1", "3003.1", "4000.1"]);
    let thread = json!({
        "id": "C-TEA:3000.1",
        "channel_type": "slack",
        "channel_id": "C-TEA",
        "channel_name": "cc-tea",
        "channel_category": "cc",
        "thread_ts": "3000.1",
        "user_id": "U1",
        "user_name": "Ada",
        "text": "said at 3000.1",
        "timestamp": 3000,
        "message_ts": "3000.1",
        "is_thread_reply": false,
        "reactions": ["eyes"],
        "has_attachments": false,
        "ingested_at": documents["3000.1"]["ingested_at"],
    });
    assert_eq!(documents["3000.1"], thread);
    for (ts, name, is_reply) in [
        ("1500.1", "U-GONE", false),
        ("3001.1", "Grace H.", true),
        ("3002.1", "Ada", true),
        ("3003.1", "joan", true),
        ("4000.1", "joan", false),
    ] {
        let document = &documents[ts];
        assert_eq!(
            (&document["user_name"], &document["is_thread_reply"]),
            (&json!(name), &json!(is_reply)),
            "{ts}"
        );
    }
    let schema = backfill.index.schema();
    assert_eq!(
        (&schema["name"], &schema["default_sorting_field"]),
        (&json!("slack_messages"), &json!("timestamp"))
    );
    let fields = schema["fields"].as_array().expect("fields");
    for name in thread.as_object().expect("members").keys().filter(|name| *name != "id") {
        assert!(fields.iter().any(|field| field["name"] == name.as_str()), "{name}");
    }

    let slack = &backfill.slack;
    let asked = slack.asked("conversations.history", "C-TEA");
    assert_eq!(asked.len(), 2);
    let mut query = asked[0].query.clone();
    assert_eq!(query.remove("latest").as_deref(), report["latestTs"].as_str());
    let members =
        [("channel", "C-TEA"), ("inclusive", "true"), ("limit", "200"), ("oldest", "1000")];
    assert_eq!(query, members.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(asked[1].query["cursor"], "more = &");
    let replies = slack.asked("conversations.replies", "C-TEA");
    assert_eq!((replies.len(), replies[1].query["cursor"].as_str()), (2, "next"));
    // Nobody is asked for twice whom Slack does not know.
    assert_eq!(slack.asked("users.info", "U-GONE").len(), 1);
    let searched = slack.asked("search.messages", "in:#cc-tea");
    assert_eq!(searched.len(), 2);
    for (name, value) in [("count", "100"), ("page", "1"), ("sort", "timestamp")] {
        assert_eq!(searched[0].query[name], value);
    }
    assert_eq!(
        scene.actions(run),
        [
            "channel.slack.backfill.started",
            "channel.slack.backfill.page_indexed",
            "channel.slack.backfill.page_indexed",
            "channel.slack.backfill.completed",
        ]
    );
    let record = scene.record(run, "channel.slack.backfill.completed");
    assert_eq!((&record["metadata"]["report"], &record["success"]), (&counted, &json!(true)));
}

/// A message that the index refuses is counted and told; a token that may not search is no failure.
fn refused(backfill: &Backfill, scene: &Scene, run: &Ran) {
    run.assert_steps(&steps(&["fetch-history-page[1]", "process-history-page[1]"]));
    let report = run.result();
    assert_eq!((&report["typesenseSuccess"], &report["typesenseErrors"]), (&json!(1), &json!(1)));
    assert_eq!(report["channelCategory"], "hq");
    assert_eq!(backfill.index.documents("C-HQ").len(), 1);
    let why = "Slack refuses search.messages for good: missing_scope";
    assert_eq!(run.result_of("index-search-matches")["skipped"], why);
    for action in ["channel.slack.backfill.page_indexed", "channel.slack.backfill.completed"] {
        let record = scene.record(run, action);
        assert_eq!((&record["level"], &record["success"]), (&json!("warn"), &json!(false)));
        assert!(record["error"].to_string().contains("refused 1 messages"), "{record}");
    }
}

/// Where Slack wants to be asked later: a step that has nothing yet is tried later; one that has something keeps it.
pub(super) async fn slower(backfill: &Backfill, scene: &Scene) -> Ran {
    let run = backfilled(scene, &channel("slower", "project-x")).await;
    run.assert_steps(&steps(&[
        "fetch-history-page[1]",
        "process-history-page[1]",
        "slack-pace[1]",
        "process-history-page[1.2]",
    ]));
    assert_eq!(run.attempts("fetch-history-page[1]"), 2);
    let first = run.result_of("process-history-page[1]");
    assert_eq!(
        (&first["indexed"], &first["resume"], &first["waitMs"]),
        (&json!(1), &json!(1), &json!(1000))
    );
    let report = run.result();
    assert_eq!((&report["fetchedMessages"], &report["pagesProcessed"]), (&json!(5), &json!(1)));
    assert_eq!(backfill.index.documents("slower").len(), 5);
    assert_eq!(backfill.slack.asked("conversations.history", "slower").len(), 2);
    run
}

/// After a hundred pages another run goes on with what is older.
pub(super) async fn endless(backfill: &Backfill, scene: &Scene, event: &str) -> Vec<Ran> {
    let run = scene.ended(FUNCTION, event).await;
    let report = run.result();
    assert_eq!((&report["pagesProcessed"], &report["continued"]), (&json!(100), &json!(true)));
    assert_eq!(report["channelCategory"], "legacy-chat");
    let last: Vec<_> = run.steps.iter().rev().take(4).map(String::as_str).collect();
    assert_eq!(
        last,
        [
            "emit-slack-backfill-completed",
            "continue-slack-backfill",
            "process-history-page[100]",
            "fetch-history-page[100]"
        ]
    );
    assert!(!run.steps.contains(&"index-search-matches".to_owned()));
    let of = |data: &Value| data["channelId"] == "endless" && data["latestTs"] != "9000";
    let rest = scene.follows(FUNCTION, EVENT, of).await;
    let mut asked = channel("endless", "long-chat");
    asked["latestTs"] = json!("7900.1");
    assert_eq!(scene.event(EVENT, of).await["data"], asked);
    rest.assert_steps(&steps(&["fetch-history-page[1]", "process-history-page[1]"]));
    assert_eq!(rest.result()["continued"], false);
    // The message at the border is taken in twice, and is there once.
    assert_eq!(backfill.index.documents("endless").len(), 101);
    vec![run, rest]
}
