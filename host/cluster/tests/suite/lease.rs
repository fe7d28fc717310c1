//! The election of one.

use std::time::Duration;

use cluster::lease::{Election, Times};
use cluster::testing::ApiServer;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::until;

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/bus/leases/registers";

struct Worker {
    leads: watch::Receiver<bool>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn worker(server: &ApiServer, identity: &str) -> Worker {
    let millis = Duration::from_millis;
    let times = Times::new(millis(2000), millis(1500), millis(100)).expect("they go together");
    let (election, leads) = Election::new(server.client(), "bus", "registers", identity, times);
    let stop = CancellationToken::new();
    let task = tokio::spawn(election.run(stop.clone()));
    Worker { leads, stop, task }
}

fn holder(server: &ApiServer) -> (String, i64) {
    let lease = server.object(PATH).expect("there is a lease");
    let spec = &lease["spec"];
    let holder = spec["holderIdentity"].as_str().expect("a holder").to_owned();
    (holder, spec["leaseTransitions"].as_i64().expect("a number"))
}

#[tokio::test]
async fn one_leads_and_hands_over_when_it_stops() {
    let server = ApiServer::start().await;
    let mut one = worker(&server, "one");
    until("one leads", &mut one.leads, |leads| *leads).await;
    let mut two = worker(&server, "two");
    // It has looked, and waits.
    while !server.asked().iter().rev().take_while(|it| it.method == "GET").count().ge(&1) {
        tokio::task::yield_now().await;
    }
    assert!(!*two.leads.borrow());
    assert_eq!(holder(&server), ("one".to_owned(), 0));
    one.stop.cancel();
    one.task.await.expect("it ends");
    assert!(!*one.leads.borrow());
    until("two leads", &mut two.leads, |leads| *leads).await;
    assert_eq!(holder(&server), ("two".to_owned(), 1));
}

#[tokio::test]
async fn a_lease_of_the_dead_runs_out() {
    let server = ApiServer::start().await;
    let mut one = worker(&server, "one");
    until("one leads", &mut one.leads, |leads| *leads).await;
    let mut two = worker(&server, "two");
    one.task.abort();
    until("two leads", &mut two.leads, |leads| *leads).await;
    assert_eq!(holder(&server), ("two".to_owned(), 1));
}

#[tokio::test]
async fn whoever_cannot_renew_leads_no_more_until_it_can() {
    let server = ApiServer::start().await;
    let mut one = worker(&server, "one");
    until("one leads", &mut one.leads, |leads| *leads).await;
    server.fail("GET", "leases", 503, "ServiceUnavailable", 30);
    until("it stands back", &mut one.leads, |leads| !*leads).await;
    until("it leads again", &mut one.leads, |leads| *leads).await;
    assert_eq!(holder(&server), ("one".to_owned(), 0), "nobody else had it");
}

#[tokio::test]
async fn a_lost_race_is_no_trouble() {
    let server = ApiServer::start().await;
    server.fail("POST", "leases", 409, "AlreadyExists", 1);
    let mut one = worker(&server, "one");
    until("one leads", &mut one.leads, |leads| *leads).await;
    // Another one has taken it by force: whoever has it is told by the next look.
    let mut lease = server.object(PATH).expect("a lease");
    lease["spec"]["holderIdentity"] = "other".into();
    server.put(PATH, lease);
    until("it stands back", &mut one.leads, |leads| !*leads).await;
    until("it has run out", &mut one.leads, |leads| *leads).await;
}
