//! Webhooks by the thousand: the server is away for a while, the gateway is killed in the middle of it, and every delivery
//! that was accepted becomes one event.

mod senders;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::senders::{Pace, Senders, Told};
use crate::process::{Process, free_address};
use crate::server::{Mode, Server};
use crate::{Figures, Size};

/// The name of the events.
const EVENT: &str = "github/workflow_run.completed";

/// The secret that deliveries are signed with.
pub(crate) const SECRET: &str = "a secret of the tests";

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let pace = Pace { rate: size.pick(2_000, 60), seconds: size.pick(30, 6) };
    let (before, away) = size.pick((8, 10), (1, 2));
    let mut server = Server::own(Mode::Dev);
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = start(&server, &folder, free_address());
    let memory_before = gateway.resident_kib();

    let began = Instant::now();
    let senders = Senders::start(gateway.address, pace);
    tokio::time::sleep(Duration::from_secs(before)).await;
    let outage = async {
        server.away_for(Duration::from_secs(away)).await;
        server
    };
    let killing = async {
        // While what comes can only be kept.
        tokio::time::sleep(Duration::from_secs(away) / 2).await;
        let waiting = waiting(gateway.address).await;
        let address = gateway.kill();
        (start_again(&folder, address).await, waiting)
    };
    let (server, (gateway, waiting)) = tokio::join!(outage, killing);
    let told = senders.ended().await;
    let sent = began.elapsed();
    let memory = gateway.resident_kib();
    let emptied = crate::eventually("the spool is empty", async || {
        (self::waiting(gateway.address).await == Some(0)).then(|| began.elapsed())
    })
    .await;
    let events = events(server.origin()).await;
    let mut short =
        report(pace, &told, &events, &[sent, emptied], waiting, [memory_before, memory]);
    if size == Size::Full {
        short.extend(slow(pace, &told));
    }
    short
}

/// The figures, and in what they fall short.
fn report(
    pace: Pace,
    told: &Told,
    events: &BTreeMap<u64, usize>,
    [sent, emptied]: &[Duration; 2],
    waiting: Option<u64>,
    [memory_before, memory]: [Option<u64>; 2],
) -> Vec<String> {
    let mib =
        |kib: Option<u64>| kib.map_or("unknown".to_owned(), |kib| format!("{} MiB", kib / 1024));
    let missing = told.accepted.iter().filter(|id| !events.contains_key(id)).count();
    let twice = events.values().filter(|count| **count > 1).count();
    let all = pace.all();
    let late = told.late(Duration::from_secs(1));
    let mut figures =
        Figures::of("gateway: webhooks while the server is away and the gateway is killed");
    figures.add("deliveries a second, as planned", pace.rate);
    figures.add("seconds", pace.seconds);
    figures.add("deliveries accepted", told.accepted.len());
    figures.add("of which sent more than once, having no answer", told.repeated);
    figures.add("answers that were no acceptance", told.refused);
    figures.add("begun more than a second after it was due", late);
    figures.add(
        "events that waited when the gateway was killed",
        waiting.map_or("unknown".to_owned(), |n| n.to_string()),
    );
    figures.add("events of accepted deliveries that are missing", missing);
    figures.add("events that are there twice", twice);
    figures.add("acceptance, median", format!("{:.1?}", told.percentile(50)));
    figures.add("acceptance, p95", format!("{:.1?}", told.percentile(95)));
    figures.add("acceptance, p99", format!("{:.1?}", told.percentile(99)));
    figures.add("all were accepted after", format!("{sent:.1?}"));
    figures.add("the server had all of them after", format!("{emptied:.1?}"));
    figures.add(
        "memory of the gateway, at first and at last",
        format!("{}, {}", mib(memory_before), mib(memory)),
    );
    figures.print();

    let mut short = Vec::new();
    if told.accepted.len() != all {
        short.push(format!("{} of {all} deliveries were accepted", told.accepted.len()));
    }
    if missing > 0 || twice > 0 {
        short.push(format!("{missing} events are missing, and {twice} are there twice"));
    }
    if told.refused > 0 {
        short.push(format!("{} answers were no acceptance", told.refused));
    }
    if events.len() > all {
        short.push(format!("there are {} events of {all} deliveries", events.len()));
    }
    short
}

/// In what the pace was not the one that was asked for; a machine that also does other things is asked for none.
fn slow(pace: Pace, told: &Told) -> Option<String> {
    let (all, late) = (pace.all(), told.late(Duration::from_secs(1)));
    let many = late * 100 > all;
    many.then(|| {
        format!("{late} of {all} deliveries were begun more than a second after they were due")
    })
}

/// A gateway in front of a server; its address is kept for the next one.
fn start(server: &Server, folder: &tempfile::TempDir, address: std::net::SocketAddr) -> Process {
    std::fs::write(folder.path().join("server"), server.origin()).expect("noted");
    launch(folder, address)
}

async fn start_again(folder: &tempfile::TempDir, address: std::net::SocketAddr) -> Process {
    let path = folder.path().to_owned();
    let started = tokio::task::spawn_blocking(move || launch_in(&path, address));
    started.await.expect("it starts")
}

fn launch(folder: &tempfile::TempDir, address: std::net::SocketAddr) -> Process {
    launch_in(folder.path(), address)
}

fn launch_in(folder: &std::path::Path, address: std::net::SocketAddr) -> Process {
    let origin = std::fs::read_to_string(folder.join("server")).expect("noted");
    let (listen, spool) = (address.to_string(), folder.join("spool"));
    let rates = ["--webhook-rate", "10000", "--webhook-address-rate", "10000"];
    let spool = spool.to_string_lossy();
    let arguments = [&["gateway", "--listen", &listen, "--spool", &spool][..], &rates].concat();
    Process::start(&arguments, &[("INNGEST_DEV", &origin), ("GITHUB_WEBHOOK_SECRET", SECRET)])
}

/// How many events wait at a gateway.
async fn waiting(gateway: std::net::SocketAddr) -> Option<u64> {
    let state = reqwest::get(format!("http://{gateway}/api/webhooks")).await.ok()?;
    let state: Value = serde_json::from_str(&state.text().await.ok()?).ok()?;
    state["spool"]["events"].as_u64()
}

/// The numbers of the deliveries that the server has as events, and how often each.
async fn events(origin: &str) -> BTreeMap<u64, usize> {
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let url = format!("{origin}/v1/events?limit=100&name={EVENT}{cursor}");
        let answer = reqwest::get(url).await.expect("an answer").text().await.expect("text");
        let page: Value = serde_json::from_str(&answer).expect("JSON");
        let events = page["data"].as_array().expect("events");
        let Some(last) = events.last() else { return found };
        for event in events {
            let number = event["data"]["runId"].as_u64().expect("a number");
            *found.entry(number).or_insert(0) += 1;
        }
        cursor = format!("&cursor={}", last["internal_id"].as_str().expect("an id"));
    }
}
