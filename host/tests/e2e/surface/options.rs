//! Every option of a function. What only slows runs down or thins them out is the server's work: our engine takes and
//! shows it, and does not act on it yet.

use serde_json::json;

use super::{Stage, unique};

impl Stage<'_> {
    pub(super) async fn options(&self) {
        tokio::join!(
            self.cancellation(),
            self.batch(),
            self.idempotency(),
            self.conditions(),
            self.flow(),
            self.checkpoints(),
        );
    }

    async fn cancellation(&self) {
        let by_event = async {
            let key = unique();
            let event = self.ask("cancelled", json!({"key": key})).await;
            self.counter.reached("cancelled", "before", 1).await;
            self.server.send("testing/cancel.wanted", &json!({"key": unique()})).await;
            let ended = self.until_ended(&event, async || {
                self.server.send("testing/cancel.wanted", &json!({"key": key})).await;
            });
            assert_eq!(ended.await.status, "Cancelled");
            self.bodies("cancelled", &[("before", 1)]);
        };
        let by_time = async {
            assert_eq!(self.run("times-out", json!({})).await.status, "Cancelled");
        };
        tokio::join!(by_event, by_time);
    }

    async fn batch(&self) {
        let mut events = Vec::new();
        for key in ["a", "b", "c"] {
            events.push(self.ask("batched", json!({"key": key})).await);
        }
        // A batch is listed under one of its events.
        let mut keys: Vec<String> =
            serde_json::from_value(self.server.any_ended(&events).await.result()).expect("keys");
        keys.sort();
        assert_eq!(keys, ["a", "b", "c"]);
        self.bodies("batched", &[("body", 1)]);
    }

    async fn idempotency(&self) {
        let key = unique();
        let first = self.ask("idempotent", json!({"key": key})).await;
        self.server.ended(&first).await.result();
        self.ask("idempotent", json!({"key": key})).await;
        // One more run with another key, so that a second one would have begun before it.
        self.run("idempotent", json!({"key": unique()})).await.result();
        self.bodies("idempotent", &[("body", 2)]);
    }

    async fn conditions(&self) {
        self.ask("picky", json!({"key": "unwanted"})).await;
        self.completes("picky", json!({"key": "wanted"}), json!(null), &[("body", 1)]).await;
    }

    async fn flow(&self) {
        let key = unique();
        let each = |function: &'static str| {
            let data = json!({"key": key, "wait": 50});
            async move {
                let (first, second) =
                    tokio::join!(self.run(function, data.clone()), self.run(function, data));
                first.result();
                second.result();
                self.bodies(function, &[("body", 2)]);
            }
        };
        let once = |function: &'static str| {
            let data = json!({"key": key, "wait": 50});
            async move {
                self.run(function, data).await.result();
                self.bodies(function, &[("body", 1)]);
            }
        };
        let debounced = async {
            self.ask("debounced", json!({"key": key, "failures": 1})).await;
            let last = self.ask("debounced", json!({"key": key, "failures": 2})).await;
            assert_eq!(self.server.ended(&last).await.result(), json!(2), "the last event counts");
        };
        tokio::join!(
            each("concurrent"),
            each("throttled"),
            // How many more than one may run at once is the server's to say: it spreads them over the hour.
            once("rate-limited"),
            each("prioritised"),
            once("single-skip"),
            once("single-cancel"),
            debounced,
        );
    }

    async fn checkpoints(&self) {
        for function in ["stored-never", "stored-each", "stored-in-twos"] {
            self.completes(function, json!({}), json!(15), &[("round", 5)]).await;
        }
    }
}
