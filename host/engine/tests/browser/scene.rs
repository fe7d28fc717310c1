//! An engine with something to show: runs that ended well and badly, one that waits, and lists of every length.

use std::net::SocketAddr;

use engine::{Engine, Options, Sample};
use serde_json::{Value, json};

#[path = "../wire/client.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
pub mod client;
#[path = "../wire/worker.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
pub mod worker;

use client::Client;
use worker::{Worker, done, op, ops, ran};

pub struct Scene {
    engine: Engine,
    _worker: Worker,
    pub client: Client,
    /// The name and the path of each view.
    pub views: Vec<(&'static str, String)>,
}

fn order(seen: &worker::Seen) -> worker::Answer {
    if seen.memo("reserve stock").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(40));
        let timed = json!({"data": 1, "timing": {"a": 1, "b": 25_000_000}});
        return ops(&[op("StepRun", "reserve stock", &timed)]);
    }
    if seen.memo("cool off").is_none() {
        return ops(&[op("Sleep", "cool off", &json!({"name": "120ms"}))]);
    }
    if seen.memo("charge the card").is_none() {
        if seen.attempt() == 0 {
            let error = json!({"error": {"name": "E", "message": "the bank <did> not answer"}});
            return ops(&[op("StepError", "charge the card", &error)]);
        }
        std::thread::sleep(std::time::Duration::from_millis(60));
        let timed = json!({"data": {"paid": true}, "timing": {"a": 1, "b": 55_000_000}});
        return ops(&[op("StepRun", "charge the card", &timed)]);
    }
    done(json!({"order": 7, "paid": true, "note": "<b>text</b>"}))
}

impl Scene {
    pub async fn set() -> Self {
        let worker = Worker::start(None, |seen| match &*seen.slug {
            "shop-ship-order" => order(seen),
            "shop-wait-for-review" if seen.memo("review").is_none() => {
                let options = json!({"name": "shop/review", "opts": {"event": "shop/review", "timeout": "7d"}});
                ops(&[op("WaitForEvent", "review", &options)])
            }
            "shop-doomed" if seen.memo("look").is_none() => ran("look", &json!(1)),
            "shop-doomed" => worker::Answer {
                status: 500,
                body: json!({"name": "Doom", "message": "nothing left to try"}),
                headers: vec![("x-inngest-no-retry", "true")],
            },
            _ => done(Value::Null),
        })
        .await;
        let sample = Sample {
            name: "shop/order.paid".into(),
            data: "{\n  \"order_id\": \"o-7\"\n}".into(),
            from: "functions/shop/events/paid.json".into(),
        };
        let options = Options {
            listen: "127.0.0.1:0".parse().expect("an address"),
            retry_interval: Some(std::time::Duration::from_millis(90)),
            samples: vec![sample],
            ..Options::default()
        };
        let engine = Engine::start(options).await.expect("an engine");
        let client = Client::of(&engine);
        let on = |event: &str| json!([{"event": event}]);
        client
            .register(
                "shop",
                &[
                    worker.function("shop-ship-order", &on("shop/order.paid"), 3),
                    worker.function("shop-wait-for-review", &on("shop/order.shipped"), 3),
                    worker.function("shop-doomed", &on("shop/order.lost"), 1),
                    worker.function("shop-count", &on("shop/counted"), 1),
                ],
            )
            .await;
        let paid =
            client.send(&json!({"name": "shop/order.paid", "data": {"order_id": "o-7"}})).await;
        let shipped = client.send(&json!({"name": "shop/order.shipped", "data": {}})).await;
        let lost = client.send(&json!({"name": "shop/order.lost", "data": {}})).await;
        let path = |run: &Value| format!("/runs/{}", run["run_id"].as_str().expect("an id"));
        let (done, failed) = (client.ended(&paid).await, client.ended(&lost).await);
        let waits = client
            .until(&format!("/v1/events/{shipped}/runs"), |runs| {
                runs["data"][0]["status"] == "Running"
            })
            .await;
        let counted = vec![json!({"name": "shop/counted", "data": {}}); 120];
        assert_eq!(client.post("/e/key", &json!(counted)).await.0, 200);
        client
            .until("/v2/runs?status=COMPLETED&limit=100", |runs| runs["page"]["hasMore"] == true)
            .await;
        let line = |step: Option<&str>, attempt: u32, level: &str, text: &str| {
            let step = step.map(|step| protocol::id::StepId::hash(step).to_string());
            json!({"at": "2026-11-22T13:00:00.120Z", "level": level, "text": text, "step": step,
                "attempt": attempt, "context": "ship_order"})
        };
        let long = format!("the bank said <{}>", "no".repeat(400));
        let lines = [
            line(None, 0, "info", "an order of 2 lines"),
            line(Some("reserve stock"), 0, "info", "reserved 2 of 2"),
            line(Some("reserve stock"), 0, "debug", "in 24 ms"),
            line(Some("charge the card"), 0, "error", &long),
            line(Some("charge the card"), 1, "warn", "charged late"),
        ];
        worker.tells("logs", json!({"lines": lines, "gone": 12}));
        let text = |about: &str| json!({"type": "string", "description": about});
        let schema = json!({
            "type": "object",
            "properties": {
                "order_id": text("As it is printed on the invoice."),
                "note": text("What the customer wrote."),
                "total": {"type": "number"},
                "paid": {"type": "boolean"},
                "lines": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["order_id", "total", "lines"],
        });
        let fields = ["order_id", "total", "lines", "paid", "note"];
        let placed = json!({
            "id": "ship-order", "component": "shop", "home": "host", "mode": "latest-compatible",
            "forced_by": ["system-bus:shell/run"],
            "input": [{"event": "shop/order.paid", "fields": fields, "schema": schema}],
        });
        worker.tells("functions", json!({"functions": [placed]}));
        let views = vec![
            ("runs", "/".to_owned()),
            ("no-runs", "/?status=skipped".to_owned()),
            ("run-done", path(&done)),
            ("run-failed", path(&failed)),
            ("run-waits", path(&waits["data"][0])),
            ("events", "/events".to_owned()),
            ("event", format!("/events/{paid}")),
            ("send", "/send?name=shop/order.paid".to_owned()),
            ("send-json", "/send?name=shop/order.paid&as=json".to_owned()),
            ("send-other", "/send?name=shop/order.lost".to_owned()),
            ("functions", "/functions".to_owned()),
            ("generations", "/generations".to_owned()),
        ];
        Self { engine, _worker: worker, client, views }
    }

    pub fn address(&self) -> SocketAddr {
        self.engine.address()
    }

    pub async fn end(self) {
        self.engine.shutdown().await;
    }
}
