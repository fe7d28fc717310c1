//! Every kind of step, through a server, in both modes: right results, and each body run once for each success.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::counter::Counter;
use crate::way::{Way, in_every_way};
use crate::{Server, folder_of, free_address};

in_every_way!(basic_steps);

async fn basic_steps(way: Way, server: Server) {
    let counter = Counter::start().await;
    let components = folder_of(&[guests::STEPS]);
    let further = [&["--step-limit", "60s"], &way.arguments()[..]].concat();
    let _worker = server.worker_with(&components, free_address(), &further).await;
    let stage = Stage { server: &server, counter: &counter };
    tokio::join!(
        stage.completes(
            "five",
            json!({}),
            json!([1, 2, 3, 4, 5]),
            &["one", "two", "three", "four", "five"]
        ),
        stage.completes("parallel", json!({}), json!(6), &["a", "b", "c", "sum"]),
        stage.completes("slept", json!({"wait": 1200}), json!("rested"), &["before", "after"]),
        stage.completes("caught", json!({}), json!("Doomed: no use"), &["doomed", "rescue"]),
        stage.completes("sends", json!({}), json!(1), &["one", "two", "three", "four", "five"]),
        stage.completes("sends-beside", json!({}), json!(true), &["work"]),
        stage.completes("overlaps", json!({}), Value::Null, &["left", "right"]),
        stage.retries(),
        stage.orders(),
        stage.fails("uncaught", "Doomed", "no use"),
        stage.fails("fails", "Error", "nothing works today"),
    );
}

struct Stage<'t> {
    server: &'t Server,
    counter: &'t Counter,
}

impl Stage<'_> {
    async fn run(&self, function: &str, mut data: Value) -> crate::server::Ended {
        data["count"] = self.counter.url(function).into();
        let event = self.server.send(&format!("testing/{function}.requested"), &data).await;
        self.server.ended(&event).await
    }

    /// The function ends with a result, and each of these bodies has run once.
    async fn completes(&self, function: &str, data: Value, expected: Value, bodies: &[&str]) {
        let ended = self.run(function, data).await;
        assert_eq!(ended.result(), expected, "{function}");
        for body in bodies {
            // What an event set going may still be under way.
            self.counter.reached(function, body, 1).await;
        }
        let once: BTreeMap<String, u32> =
            bodies.iter().map(|body| ((*body).to_owned(), 1)).collect();
        assert_eq!(self.counter.counts(function), once, "{function}");
    }

    async fn retries(&self) {
        let ended = self.run("retried", json!({"failures": 2})).await;
        assert_eq!(ended.result(), json!(2), "the attempt that succeeded");
        assert_eq!(self.counter.counts("retried"), BTreeMap::from([("flaky".to_owned(), 3)]));
    }

    async fn orders(&self) {
        let mut order: Vec<u64> =
            serde_json::from_value(self.run("unordered", json!({})).await.result())
                .expect("numbers");
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2]);
    }

    async fn fails(&self, function: &str, name: &str, message: &str) {
        let ended = self.run(function, json!({})).await;
        assert_eq!(ended.status, "Failed", "{function}");
        let output = ended.output.to_string();
        assert!(output.contains(name) && output.contains(message), "{function}: {output}");
    }
}
