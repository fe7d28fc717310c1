//! Every kind of step.

use serde_json::{Value, json};

use super::{answered, unique};
use crate::suite::Stage;

pub(super) async fn all(stage: &Stage) {
    tokio::join!(
        waits(stage),
        invocations(stage),
        signals(stage),
        requests(stage),
        races(stage),
        stage.completes("nested", json!({}), json!(6), &[("first", 3), ("second", 3)]),
        stage.completes("loops", json!({"failures": 4}), json!(6), &[("round", 4)]),
        failure_handler(stage),
    );
}

async fn waits(stage: &Stage) {
    let hit = async {
        let event = stage.ask("wait-hit", json!({})).await;
        let answer = answered(stage, &event, &unique(), &json!("any")).await.result();
        assert!(!answer.is_null(), "somebody answered");
        stage.bodies("wait-hit", &[("body", 1)]);
    };
    let matched = async {
        let key = unique();
        let event = stage.ask("wait-matched", json!({"key": key})).await;
        let answers = answered(stage, &event, &key, &json!(7)).await.result();
        assert_eq!(answers, json!([7, 7]), "only the answer with the key counts");
    };
    let late = stage.completes("wait-timeout", json!({"wait": 1_000}), Value::Null, &[("body", 1)]);
    tokio::join!(hit, matched, late);
}

async fn invocations(stage: &Stage) {
    // Others call them.
    for function in ["answers", "refuses", "dawdles"] {
        stage.tries(function);
    }
    let key = unique();
    tokio::join!(
        stage.completes("invokes", json!({"key": key}), json!(key), &[("after", 1), ("body", 1)]),
        stage.completes("invokes-failing", json!({}), json!("Refused: not today"), &[("body", 1)]),
        stage.completes("invokes-timeout", json!({"wait": 1_000}), json!(true), &[]),
    );
}

async fn signals(stage: &Stage) {
    let from_outside = async {
        let key = unique();
        let event = stage.ask("signal-waits", json!({"key": key})).await;
        let name = format!("testing/{key}");
        let ended = stage.until_ended(&event, async || {
            stage.server.signal(&name, &json!({"n": 1})).await;
        });
        assert_eq!(ended.await.result(), json!({"n": 1}));
    };
    let from_a_step = async {
        let key = unique();
        let event = stage.ask("signal-waits", json!({"key": key})).await;
        // It may be sent before anybody waits.
        while stage.run("signal-sends", json!({"key": key})).await.result() != json!(true) {}
        let heard = stage.ended(&event).await.result();
        assert!(heard["from"].is_string(), "it carries the sender's run");
    };
    let late = stage.completes("signal-timeout", json!({"wait": 1_000}), Value::Null, &[]);
    tokio::join!(from_outside, from_a_step, late);
}

async fn requests(stage: &Stage) {
    let url = stage.counter.echo_url();
    let said = json!({"model": "test", "messages": [{"role": "user", "content": "ping"}]});
    tokio::join!(
        stage.completes("fetches", json!({"url": url}), json!("200 \"ping\""), &[]),
        stage.completes("infers", json!({"url": url}), said, &[]),
    );
    // The server itself is the witness: nobody asked twice.
    assert_eq!(stage.counter.echoes(), 2);
}

/// Each would last an hour if its loser were waited for.
async fn races(stage: &Stage) {
    let answered = async {
        let key = unique();
        let event = stage.ask("race-answer", json!({"key": key})).await;
        assert_eq!(answered(stage, &event, &key, &json!("first")).await.result(), "first");
    };
    tokio::join!(
        stage.completes("race-sleep", json!({}), json!("worked"), &[("work", 1)]),
        stage.completes("race-event", json!({"key": unique()}), json!("worked"), &[("work", 1)]),
        answered,
        stage.completes(
            "race-late",
            json!({"key": unique()}),
            json!("worked"),
            &[("before", 1), ("work", 1), ("after", 1)]
        ),
        stage.completes(
            "race-then",
            json!({}),
            json!(31),
            &[("work", 1), ("second", 1), ("third", 1)]
        ),
        overtaken(stage),
    );
}

/// The loser of a race ends while a further step runs: the call that this brings finds that step too.
async fn overtaken(stage: &Stage) {
    stage.counter.hold("race-overtaken", "second");
    // Long enough for the other side to win on a busy machine.
    let wait = std::time::Duration::from_secs(4);
    let event = stage.ask("race-overtaken", json!({"wait": wait.as_millis()})).await;
    stage.counter.reached("race-overtaken", "second", 1).await;
    tokio::time::sleep(wait + std::time::Duration::from_secs(1)).await;
    stage.counter.let_go("race-overtaken", "second");
    assert_eq!(stage.server.ended(&event).await.result(), json!(31));
    stage.bodies("race-overtaken", &[("work", 1), ("second", 1), ("third", 1)]);
}

async fn failure_handler(stage: &Stage) {
    let ended = stage.run("doomed", json!({})).await;
    assert_eq!(ended.status, "Failed");
    stage.tries("doomed-failure");
    stage.counter.reached("doomed", "mourn", 1).await;
    stage.bodies("doomed", &[("mourn", 1)]);
}
