//! One function for each kind of step and each option that a single run can show, through a server.

use std::time::Duration;

use serde_json::{Value, json};

use crate::counter::Counter;
use crate::server::Ended;
use crate::way::{Way, in_every_way};
use crate::{Server, folder_of, free_address};

// Not over Connect: with this many runs at once a body runs twice there now and then, which is a fault to be found.
in_every_way! {
    whole_surface:
    serve_unsigned = SERVE_UNSIGNED,
    serve_unsigned_call_by_call = SERVE_UNSIGNED_CALL_BY_CALL,
    serve_signed = SERVE_SIGNED,
    serve_signed_call_by_call = SERVE_SIGNED_CALL_BY_CALL,
}

async fn whole_surface(way: Way, server: Server) {
    let counter = Counter::start().await;
    let components = folder_of(&[guests::SURFACE]);
    let further = [&["--step-limit", "60s"], &way.arguments()[..]].concat();
    let _worker = server.worker_with(&components, free_address(), &further).await;
    let stage = Stage { server: &server, counter: &counter };
    tokio::join!(
        stage.alone("race-sleep", json!({}), json!("worked"), &[("work", 1)]),
        stage.alone("race-event", json!({"key": "lost"}), json!("worked"), &[("work", 1)]),
        stage.alone("race-then", json!({}), json!(31), &[("work", 1), ("second", 1), ("third", 1)]),
        stage.alone("nested", json!({}), json!(6), &[("first", 3), ("second", 3)]),
        stage.alone("loops", json!({"failures": 4}), json!(6), &[("round", 4)]),
        stage.alone("wait-timeout", json!({"wait": 1500}), Value::Null, &[("body", 1)]),
        stage.alone("invokes", json!({"key": "k"}), json!("k"), &[("body", 1), ("after", 1)]),
        stage.alone("invokes-failing", json!({}), json!("Refused: not today"), &[("body", 1)]),
        stage.alone("invokes-timeout", json!({"wait": 1500}), json!(true), &[]),
        stage.alone("signal-timeout", json!({"wait": 1500}), Value::Null, &[]),
        stage.alone("signal-sends", json!({"key": "nobody"}), json!(false), &[]),
        stage.alone("stored-never", json!({}), json!(15), &[("round", 5)]),
        stage.alone("stored-each", json!({}), json!(15), &[("round", 5)]),
        stage.alone("stored-in-twos", json!({}), json!(15), &[("round", 5)]),
        stage.alone("batched", json!({"key": "k"}), json!(["k"]), &[("body", 1)]),
        stage.answered("wait-hit", "testing/answer.given", json!(7)),
        stage.answered("wait-matched", "testing/answer.given", json!([7, 7])),
        stage.answered("race-answer", "testing/answer.given", json!(7)),
        stage.signalled(),
        stage.mourned(),
    );
}

struct Stage<'t> {
    server: &'t Server,
    counter: &'t Counter,
}

impl Stage<'_> {
    async fn begin(&self, function: &str, mut data: Value) -> String {
        data["count"] = self.counter.url(function).into();
        self.server.send(&format!("testing/{function}.requested"), &data).await
    }

    /// The function ends by itself, and its bodies ran that often.
    async fn alone(&self, function: &str, data: Value, expected: Value, bodies: &[(&str, u32)]) {
        let event = self.begin(function, data).await;
        assert_eq!(self.server.ended(&event).await.result(), expected, "{function}");
        let counts = bodies.iter().map(|(body, times)| ((*body).to_owned(), *times)).collect();
        assert_eq!(self.counter.counts(function), counts, "{function}");
    }

    /// The function waits for an event with its key, which is sent until it has ended.
    async fn answered(&self, function: &str, answer: &str, expected: Value) {
        let event = self.begin(function, json!({"key": function})).await;
        let data = json!({"key": function, "value": 7});
        let ended = self.until_ended(&event, answer, &data).await;
        assert_eq!(ended.result(), expected, "{function}");
    }

    /// A run waits for a signal; others send it until it has ended.
    async fn signalled(&self) {
        let event = self.begin("signal-waits", json!({"key": "s"})).await;
        let sender = json!({"key": "s"});
        let ended = self.until_ended(&event, "testing/signal-sends.requested", &sender).await;
        assert!(ended.result()["from"].is_string(), "the data of the signal");
    }

    /// The handler of a failure runs when the run has failed.
    async fn mourned(&self) {
        self.begin("doomed", json!({})).await;
        self.counter.reached("doomed", "mourn", 1).await;
    }

    async fn until_ended(&self, event: &str, name: &str, data: &Value) -> Ended {
        let sending = async {
            loop {
                self.server.send(name, data).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            ended = self.server.ended(event) => ended,
            () = sending => unreachable!("it sends for ever"),
        }
    }
}
