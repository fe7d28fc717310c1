//! Every kind of step.

use serde_json::{Value, json};

use super::{Stage, unique};

impl Stage<'_> {
    pub(super) async fn steps(&self) {
        tokio::join!(
            self.waits(),
            self.invocations(),
            self.signals(),
            self.requests(),
            self.races(),
            self.completes("nested", json!({}), json!(6), &[("first", 3), ("second", 3)]),
            self.completes("loops", json!({"failures": 4}), json!(6), &[("round", 4)]),
            self.failure_handler(),
        );
    }

    async fn waits(&self) {
        let hit = async {
            let event = self.ask("wait-hit", json!({})).await;
            let answer = self.answered(&event, &unique(), &json!("any")).await.result();
            assert!(!answer.is_null(), "somebody answered");
            self.bodies("wait-hit", &[("body", 1)]);
        };
        let matched = async {
            let key = unique();
            let event = self.ask("wait-matched", json!({"key": key})).await;
            let answers = self.answered(&event, &key, &json!(7)).await.result();
            assert_eq!(answers, json!([7, 7]), "only the answer with the key counts");
        };
        let late =
            self.completes("wait-timeout", json!({"wait": 1_000}), Value::Null, &[("body", 1)]);
        tokio::join!(hit, matched, late);
    }

    async fn invocations(&self) {
        let key = unique();
        tokio::join!(
            self.completes(
                "invokes",
                json!({"key": key}),
                json!(key),
                &[("after", 1), ("body", 1)]
            ),
            self.completes(
                "invokes-failing",
                json!({}),
                json!("Refused: not today"),
                &[("body", 1)]
            ),
            self.completes("invokes-timeout", json!({"wait": 1_000}), json!(true), &[]),
        );
    }

    async fn signals(&self) {
        let from_outside = async {
            let key = unique();
            let event = self.ask("signal-waits", json!({"key": key})).await;
            let name = format!("testing/{key}");
            let ended = self.until_ended(&event, async || {
                self.server.signal(&name, &json!({"n": 1})).await;
            });
            assert_eq!(ended.await.result(), json!({"n": 1}));
        };
        let from_a_step = async {
            let key = unique();
            let event = self.ask("signal-waits", json!({"key": key})).await;
            // It may be sent before anybody waits.
            while self.run("signal-sends", json!({"key": key})).await.result() != json!(true) {}
            let heard = self.server.ended(&event).await.result();
            assert!(heard["from"].is_string(), "it carries the sender's run");
        };
        let late = self.completes("signal-timeout", json!({"wait": 1_000}), Value::Null, &[]);
        tokio::join!(from_outside, from_a_step, late);
    }

    async fn requests(&self) {
        let url = self.counter.echo_url();
        let said = json!({"model": "test", "messages": [{"role": "user", "content": "ping"}]});
        tokio::join!(
            self.completes("fetches", json!({"url": url}), json!("200 \"ping\""), &[]),
            self.completes("infers", json!({"url": url}), said, &[]),
        );
        // The server itself is the witness: nobody asked twice.
        assert_eq!(self.counter.echoes(), 2);
    }

    /// Each would last an hour if its loser were waited for.
    async fn races(&self) {
        let answered = async {
            let key = unique();
            let event = self.ask("race-answer", json!({"key": key})).await;
            assert_eq!(self.answered(&event, &key, &json!("first")).await.result(), "first");
        };
        tokio::join!(
            self.completes("race-sleep", json!({}), json!("worked"), &[("work", 1)]),
            self.completes("race-event", json!({"key": unique()}), json!("worked"), &[("work", 1)]),
            answered,
            self.completes(
                "race-late",
                json!({"key": unique()}),
                json!("worked"),
                &[("before", 1), ("work", 1), ("after", 1)]
            ),
            self.completes(
                "race-then",
                json!({}),
                json!(31),
                &[("work", 1), ("second", 1), ("third", 1)]
            ),
        );
    }

    async fn failure_handler(&self) {
        let ended = self.run("doomed", json!({})).await;
        assert_eq!(ended.status, "Failed");
        self.counter.reached("doomed", "mourn", 1).await;
        self.bodies("doomed", &[("mourn", 1)]);
    }
}
