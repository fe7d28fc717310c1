//! Requests for several channels.

use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;
use system_bus_testing::Kit;

use crate::{BackfillRequested, Batched, slack_backfill_batch};

fn batch(channels: &Value) -> Outgoing {
    let data = json!({"channels": channels, "oldestTs": "1000", "reason": "why"});
    Outgoing::named("channel/slack.backfill.batch.requested", &data)
}

#[system_bus_sdk::test(crash = "everywhere")]
fn each_channel_is_asked_for_once(kit: &mut Kit) {
    let world = World::begin();
    let channels = json!([
        {"id": "C1", "name": "one"}, {"id": " C2 ", "name": "two"}, {"id": "C1", "name": "again"},
        {"id": "", "name": "none"}, {"id": "C3"},
    ]);
    let run = kit.run::<slack_backfill_batch>(batch(&channels));
    run.assert_steps(["fan-out-slack-channel-backfill"]);
    assert_eq!(run.output::<Batched>(), Batched { requested: 2, ignored: 3 });
    let sent = kit.sent::<BackfillRequested>();
    let ids: Vec<_> = sent.iter().map(|one| one.channel_id.as_str()).collect();
    assert_eq!(ids, ["C1", "C2"]);
    assert_eq!(sent[0].oldest_ts.as_deref(), Some("1000"));
    assert_eq!(sent[0].reason.as_deref(), Some("why"));
    assert_eq!(world.actions(), ["channel.slack.backfill.batch.requested"]);
}

#[system_bus_sdk::test]
fn an_empty_batch_is_odd_and_no_failure(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.run::<slack_backfill_batch>(batch(&json!([])));
    run.assert_steps(["emit-slack-backfill-batch-empty"]);
    assert!(kit.events().is_empty());
    assert_eq!(world.notes()[0].level, Level::Warn);
}

#[system_bus_sdk::test]
fn the_samples_fit(kit: &mut Kit) {
    let sample: Value = serde_json::from_str(include_str!("../../events/batch-requested.json"))
        .expect("the sample is JSON");
    let event = Outgoing::named("channel/slack.backfill.batch.requested", &sample["data"]);
    assert_eq!(kit.run::<slack_backfill_batch>(event).output::<Batched>().requested, 1);
    let sample: Value = serde_json::from_str(include_str!("../../events/channel-requested.json"))
        .expect("the sample is JSON");
    serde_json::from_value::<BackfillRequested>(sample["data"].clone()).expect("the sample fits");
}

#[test]
fn it_is_declared_as_the_server_expects() {
    let declared = <slack_backfill_batch as system_bus_sdk::Function>::DECLARATION;
    assert_eq!((declared.id, declared.retries), ("slack-backfill-batch", Some(1)));
}
