//! A server that is down, held still, killed and started again, while components write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::Commands;
use runtime::Limits;
use serde_json::json;

use super::{GRANTED, named_within, site, site_without_server};
use crate::redis_server::{RedisServer, free_port, shared};
use crate::site::Site;

/// Longer than anything here takes that hangs nowhere.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_starts_while_the_server_is_down() {
    let toml = format!("[redis]\nurl = 'redis://127.0.0.1:{}'\nwithin = '300ms'", free_port());
    let began = Instant::now();
    let site = site(GRANTED, Some(shared(&toml))).await;
    let answer = site.run("get", json!({ "key": "k" })).await;
    assert!(answer.contains("CapabilityUnavailable") && answer.ends_with("(Again)"), "{answer}");
    assert!(began.elapsed() < PATIENCE);
    let nowhere = site_without_server().await.run("get", json!({ "key": "k" })).await;
    assert!(nowhere.contains("this worker knows no Redis server"), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_late_and_comes_back() {
    let server = RedisServer::with(&["--enable-debug-command", "yes"]);
    let site = site(GRANTED, Some(server.shared("300ms"))).await;
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done null");
    let stalled = server.stall(Duration::from_secs(3));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let answer = site.run("get", json!({ "key": "k" })).await;
    assert!(answer.contains("CapabilityLate") && answer.contains("300ms"), "{answer}");
    tokio::task::spawn_blocking(|| stalled.join().expect("it goes on")).await.expect("joined");
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done null");
}

/// What load has seen.
#[derive(Default)]
struct Seen {
    /// Counters that were answered, with the answer.
    answered: Vec<(String, String)>,
    /// Counters whose answer was an error.
    refused: Vec<String>,
    longest: Duration,
}

/// Adds one to a counter of its own, over and over, until it is over.
async fn load(nth: usize, site: Arc<Site>, over: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    for n in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let (key, began) = (format!("{nth}-{n}"), Instant::now());
        let count = site.run("count", json!({ "key": key }));
        let answer = tokio::time::timeout(PATIENCE, count).await.expect("no hang");
        seen.longest = seen.longest.max(began.elapsed());
        if let Some(count) = answer.strip_prefix("done ") {
            seen.answered.push((key, count.to_owned()));
            continue;
        }
        let typed = ["CapabilityUnavailable", "CapabilityLate"];
        assert!(typed.iter().any(|name| answer.contains(name)), "{answer}");
        assert!(answer.ends_with("(Again)"), "{answer}");
        seen.refused.push(key);
    }
    seen
}

/// What the load has seen while this happened, once the server is back; and every counter that is on it.
async fn under_load(
    mut server: RedisServer,
    happens: impl AsyncFnOnce(&mut RedisServer),
) -> (Seen, BTreeMap<String, u32>) {
    const GUESTS: usize = 6;
    let site = Arc::new(site(GRANTED, Some(server.shared("400ms"))).await);
    let over = Arc::new(AtomicBool::new(false));
    let guests: Vec<_> = (0..GUESTS)
        .map(|nth| tokio::spawn(load(nth, Arc::clone(&site), Arc::clone(&over))))
        .collect();
    wait().await;
    happens(&mut server).await;
    wait().await;
    over.store(true, Ordering::Relaxed);
    let mut all = Seen::default();
    for guest in guests {
        let seen = guest.await.expect("a guest");
        all.answered.extend(seen.answered);
        all.refused.extend(seen.refused);
        all.longest = all.longest.max(seen.longest);
    }
    assert_eq!(site.run("put", json!({ "key": "after", "value": "1" })).await, "done null");
    let mut counters = BTreeMap::new();
    let mut connection = server.connection();
    for key in server.keys() {
        counters.insert(key.clone(), connection.get(&key).expect("a number"));
    }
    (all, counters)
}

/// What was answered is there, nothing was done twice, the outage was noticed, and nothing hung.
fn holds((seen, counters): &(Seen, BTreeMap<String, u32>)) {
    assert!(
        !seen.answered.is_empty() && !seen.refused.is_empty(),
        "{} and {}",
        seen.answered.len(),
        seen.refused.len()
    );
    for (key, answer) in &seen.answered {
        assert_eq!(answer, "1", "{key}");
        assert_eq!(counters.get(&format!("uses-redis:{key}")), Some(&1), "{key} was lost");
    }
    for key in &seen.refused {
        let done = counters.get(&format!("uses-redis:{key}")).copied().unwrap_or_default();
        assert!(done <= 1, "{key} was sent again after it was carried out: {done}");
    }
    // 400 ms is the limit of a command; what is above that is this machine's.
    assert!(seen.longest < PATIENCE / 4, "{:?}", seen.longest);
}

async fn wait() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

/// Kills it, waits, and starts it again.
async fn restart(server: &mut RedisServer) {
    server.stop();
    wait().await;
    tokio::task::block_in_place(|| server.resume());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_means_typed_errors_and_nothing_is_lost_or_done_twice() {
    holds(
        &under_load(RedisServer::start(), async |server: &mut RedisServer| {
            restart(server).await;
            wait().await;
            restart(server).await;
        })
        .await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_held_still_under_load_means_late_and_nothing_is_lost_or_done_twice() {
    let server = RedisServer::start();
    let seen = under_load(server, async |server: &mut RedisServer| {
        for _ in 0..2 {
            server.freeze();
            wait().await;
            wait().await;
            server.thaw();
            wait().await;
        }
    });
    holds(&seen.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_held_still_and_then_killed_under_load_loses_nothing_that_was_answered() {
    let server = RedisServer::start();
    let seen = under_load(server, async |server: &mut RedisServer| {
        server.freeze();
        wait().await;
        restart(server).await;
    });
    holds(&seen.await);
}

/// The step's own time ends a command that the operator would let run for longer.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_beyond_the_time_of_the_step() {
    let server = RedisServer::start();
    let limits = Limits { step: Duration::from_millis(500), ..Limits::default() };
    let site = named_within(limits, guests::USES_REDIS, GRANTED, Some(server.shared("1h"))).await;
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done null");
    server.freeze();
    let asked = site.run("get", json!({ "key": "k" }));
    let answer = tokio::time::timeout(PATIENCE, asked).await.expect("no hang");
    server.thaw();
    assert!(!answer.starts_with("done"), "{answer}");
}
