//! Functions that were taken away.

use serde_json::json;

use super::{Field, begin, data, reload, verdicts};
use crate::call::Request;
use crate::until;

#[tokio::test]
async fn a_function_that_was_taken_away_stays_for_its_runs_and_then_goes() {
    let field = Field::start().await;
    let run = begin().await;
    field.server.memory().runs = vec!["01M81GXW71CEV7JQT6T4T8NAKZ"];
    field.bus.deployed.place(guests::STEPS);
    field.bus.deployed.remove("versioned");
    let report = field.bus.send(reload("")).await.json();
    assert!(verdicts(&report).contains(&("versioned", "removed")), "{report}");
    let held = async |triggers: Option<usize>| {
        let memory = field.server.memory();
        let mut functions = memory.functions.iter();
        let found = functions.find(|one| one["id"] == "bus-versioned");
        found.and_then(|one| one["config"]["triggers"].as_array()).map(Vec::len) == triggers
    };
    until("it has no trigger", async || held(Some(0)).await).await;
    let asked = field.server.memory().runs_asked.len();
    until("the server was asked", async || field.server.memory().runs_asked.len() > asked + 4)
        .await;
    assert!(held(Some(0)).await, "it has runs");
    let seen = field.bus.send(Request::new(reqwest::Method::GET, "/api/functions")).await.json();
    assert_eq!(seen["retired"], json!(["versioned", "versioned-pinned"]));
    assert_eq!(field.says("versioned", &run, &[("one", data("1.one"))]).await, "1.two");
    field.server.memory().runs.clear();
    until("it is gone", async || held(None).await).await;
    field.bus.assert_works().await;
    field.end().await;
}
