//! Stopping: calls that run are answered, and no new ones are taken.

use serde_json::json;
use tokio::net::TcpStream;

use crate::bus::Bus;
use crate::call::{Answer, CallTo};
use crate::gate::Gate;
use crate::secrets;
use crate::server::Server;
use crate::until;

#[tokio::test]
async fn a_running_call_is_answered_before_the_worker_ends() {
    let (server, gate) = (Server::start(), Gate::start().await);
    let Bus { running, client, .. } = Bus::dev(&server).await;
    let address = running.address();
    let call = CallTo { data: json!({ "count": gate.url }), ..CallTo::new("five") };
    let url = format!("http://{address}/api/inngest?{}", call.query());
    let request = client.post(url).body(call.body());
    let calling =
        tokio::spawn(async move { Answer::read(request.send().await.expect("an answer")).await });
    gate.reached().await;

    let stopping = tokio::spawn(running.shutdown());
    until("nobody listens", async || TcpStream::connect(address).await.is_err()).await;
    assert!(!calling.is_finished() && !stopping.is_finished(), "the step still runs");
    gate.open(1);

    let answer = calling.await.expect("no panic");
    assert_eq!(
        (answer.op()["op"].as_str(), answer.op()["data"].as_u64()),
        (Some("StepRun"), Some(1))
    );
    stopping.await.expect("no panic");
    secrets::assert_kept_in_log();
}

#[tokio::test]
async fn an_idle_worker_ends_at_once_even_without_its_server() {
    let nobody = crate::server::Nobody::new();
    let bus = Bus::start(crate::bus::options(secrets::trust(), nobody.address())).await;
    bus.assert_works().await;
    bus.running.shutdown().await;
}

#[tokio::test]
async fn a_call_that_does_not_end_in_time_is_handed_back() {
    let (server, gate) = (Server::start(), Gate::start().await);
    let drain = std::time::Duration::from_secs(3);
    let options = crate::bus::options(protocol::signature::Trust::Dev, server.address);
    let Bus { running, client, .. } = Bus::start(worker::Options { drain, ..options }).await;
    let address = running.address();
    let call = CallTo { data: json!({ "count": gate.url }), ..CallTo::new("five") };
    let url = format!("http://{address}/api/inngest?{}", call.query());
    let request = client.post(url).body(call.body());
    let calling =
        tokio::spawn(async move { Answer::read(request.send().await.expect("an answer")).await });
    gate.reached().await;
    running.shutdown().await;
    let answer = calling.await.expect("no panic");
    assert_eq!((answer.status, answer.op()["op"].as_str()), (206, Some("DiscoveryRequest")));
    secrets::assert_kept_in_log();
}
