//! `POST /api/retire`: another worker has taken over.

use std::time::Duration;

use serde_json::json;

use super::{Field, begin, post, versioned};
use crate::call::CallTo;
use crate::gate::Gate;

#[tokio::test]
async fn a_worker_that_is_retired_registers_nothing_answers_what_comes_and_ends_when_it_is_quiet() {
    let (field, gate) = (Field::start().await, Gate::start().await);
    let run = begin().await;
    let held = CallTo { run: &run, data: json!({"count": gate.url}), ..CallTo::new("versioned") };
    let others = async {
        gate.reached().await;
        let answer = field.bus.send(post("/api/retire", &json!({}))).await;
        assert_eq!((answer.status, &answer.json()["calls"]), (202, &json!(1)));
        assert_eq!(field.bus.health().await["registration"]["state"], "stood_down");
        let before = field.server.memory().registrations.len();
        field.bus.deployed.place(guests::STEPS);
        field.deploy("versioned", &versioned("2")).await;
        field.server.memory().functions.clear();
        assert_eq!(field.says("versioned", &begin().await, &[]).await, "2.one");
        let early = tokio::time::timeout(Duration::from_millis(2_500), field.bus.running.retired());
        assert!(early.await.is_err(), "a call still runs");
        assert_eq!(field.server.memory().registrations.len(), before);
        gate.open(1);
        let quiet = tokio::time::timeout(Duration::from_secs(30), field.bus.running.retired());
        quiet.await.expect("it ends");
    };
    let (answer, ()) = tokio::join!(field.bus.call(&held), others);
    assert_eq!(answer.op()["data"], "1.one");
    field.end().await;
}
