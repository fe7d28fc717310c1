//! A function moves from one app to the other: two workers on one registry, as one process has them.

use std::sync::Arc;

use protocol::role::Role;
use protocol::signature::Trust;
use serde_json::{Value, json};
use worker::Running;

use super::{Field, begin, data};
use crate::bus::{deployed, options};
use crate::call::{Answer, CallTo};
use crate::clone::Artifact;
use crate::server::Server;
use crate::until;

/// How many triggers the server has for a function; none where it does not have the function.
fn triggers(server: &Server, function: &str) -> Option<usize> {
    let memory = server.memory();
    let slug = format!("bus-{function}");
    let held = memory.functions.iter().find(|one| one["id"] == slug)?;
    held["config"]["triggers"].as_array().map(Vec::len)
}

#[tokio::test]
async fn a_function_that_moves_ends_its_runs_where_they_began_and_begins_them_elsewhere() {
    let field = Field::of(deployed(&[guests::BEGAN]).await, |_| {}).await;
    let hosts = Server::start();
    let registry = Arc::clone(&field.bus.deployed.registry);
    let host = worker::Options { role: Role::Host, ..options(Trust::Dev, hosts.address) };
    let host = Running::start(host, registry).await.expect("a worker");
    assert_eq!((triggers(&field.server, "aliased"), triggers(&hosts, "aliased")), (Some(1), None));
    field.server.memory().runs = vec!["01M81GXW71CEV7JQT6T4T8NAKZ"];
    let old = begin().await;

    field.deploy("began", &Artifact::read(guests::NEWER)).await;
    until("it has moved", async || triggers(&hosts, "aliased") == Some(1)).await;
    until("it is retired", async || triggers(&field.server, "aliased") == Some(0)).await;
    let lines = field.generations().await["history"].clone();
    let line = lines.as_array().expect("lines").iter().find(|line| line["function"] == "aliased");
    assert_eq!(line.map(|line| &line["home"]), Some(&json!("host")));

    let memos = [("a", data(1))];
    let call = CallTo { run: &old, memos: &memos, ..CallTo::new("aliased") };
    let answer = field.bus.call(&call).await;
    assert_eq!(answer.op()["data"], 2, "the code it began with: {answer:?}");
    let new = begin().await;
    let call = CallTo { run: &new, ..call };
    let to_host = reqwest::Client::new()
        .post(format!("http://{}/api/inngest?{}", host.address(), call.query()))
        .body(call.body());
    let answer = Answer::read(to_host.send().await.expect("an answer")).await;
    assert_eq!(answer.op()["data"], 20, "the new code: {answer:?}");
    // It is nobody's business here.
    assert_eq!(field.bus.call(&call).await.status, 500);

    field.server.memory().runs.clear();
    until("it has left", async || triggers(&field.server, "aliased").is_none()).await;
    assert_eq!(triggers(&hosts, "aliased"), Some(1));
    let seen: Value = field.bus.health().await;
    assert!(!seen["functions"].to_string().contains("aliased\""), "{seen}");
    host.shutdown().await;
    field.end().await;
}
