//! The scenes.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Scene;
use super::bench::{Bench, LEASE};
use crate::gateway_proxy::Weather;
use crate::server::Ended;

/// What one run needs of the server: a request for each of its five steps, and one for its result.
const REQUESTS_OF_A_RUN: usize = 6;

/// How many runs are under way when something happens.
const UNDER_WAY: usize = 16;

/// A worker that behaves makes a connection at the start of each scene's trouble, and a few more while it lasts.
pub(crate) const MOST_CONNECTIONS: usize = 40;

fn names(scene: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{scene}-{n}")).collect()
}

fn completed(ended: &[Ended]) -> usize {
    let right =
        |ended: &&Ended| ended.status == "Completed" && ended.output == json!([1, 2, 3, 4, 5]);
    ended.iter().filter(right).count()
}

/// Makes runs, and while their third steps are held, lets something happen.
async fn amid(
    bench: &Bench,
    scene: &str,
    happen: impl AsyncFnOnce(),
) -> (Vec<String>, Vec<Ended>, Duration) {
    let names = names(scene, UNDER_WAY);
    for name in &names {
        bench.counter.hold(name, "three");
    }
    let trouble = async {
        for name in &names {
            bench.counter.reached(name, "three", 1).await;
        }
        let begun = Instant::now();
        happen().await;
        begun
    };
    let (ended, begun) = tokio::join!(bench.runs(&names), trouble);
    (names, ended, begun.elapsed())
}

/// Notes that all runs completed, and that no body ran more often than it may.
fn judge(
    scene: &mut Scene,
    what: &str,
    bench: &Bench,
    (names, ended, took): &(Vec<String>, Vec<Ended>, Duration),
    most_repeats: usize,
) {
    let (right, repeats) = (completed(ended), bench.repeats(names));
    scene.measured(&format!("{what}: runs completed"), format!("{right} of {}", names.len()));
    scene.measured(&format!("{what}: bodies run twice"), repeats);
    scene.measured(&format!("{what}: all completed after"), format!("{took:.2?}"));
    scene.must(right == names.len(), || {
        format!("{what}: only {right} of {} runs completed", names.len())
    });
    scene.must(usize::try_from(repeats).is_ok_and(|n| n <= most_repeats), || {
        format!("{what}: {repeats} bodies ran twice, at most {most_repeats} may")
    });
}

/// Nothing happens, many times.
pub(crate) async fn many_requests(bench: &Bench, requests: usize) -> Scene {
    let mut scene = Scene::default();
    let names = names("many", requests.div_ceil(REQUESTS_OF_A_RUN));
    let begun = Instant::now();
    let ended = bench.runs(&names).await;
    let took = begun.elapsed();
    let made = names.len() * REQUESTS_OF_A_RUN;
    scene.measured("requests at concurrency 64", made);
    scene.measured("requests a second", format!("{:.0}", made as f64 / took.as_secs_f64()));
    judge(&mut scene, "quiet", bench, &(names, ended, took), 0);
    scene
}

/// The gateway dies, as far as the worker can tell: every socket is torn, three times.
pub(crate) async fn torn(bench: &Bench) -> Scene {
    let mut scene = Scene::default();
    let result = amid(bench, "torn", async || {
        for _ in 0..3 {
            bench.network.tear();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        bench.counter.release();
    })
    .await;
    judge(&mut scene, "torn sockets", bench, &result, 0);
    scene
}

/// Nothing gets through and nothing is closed, for less time than a lease lives.
pub(crate) async fn hanging(bench: &Bench) -> Scene {
    let mut scene = Scene::default();
    let result = amid(bench, "hanging", async || {
        bench.network.becomes(Weather::Hanging);
        bench.counter.release();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        bench.network.becomes(Weather::Fine);
    })
    .await;
    judge(&mut scene, "hanging network", bench, &result, 0);
    scene
}

/// Replies get through; that they are stored is never heard.
pub(crate) async fn unacknowledged(bench: &Bench) -> Scene {
    let mut scene = Scene::default();
    let result = amid(bench, "unacknowledged", async || {
        bench.network.becomes(Weather::Deaf);
        bench.counter.release();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        bench.network.becomes(Weather::Fine);
        bench.network.tear();
    })
    .await;
    // What the gateway sent meanwhile and nobody heard was not acknowledged either, so it came again, once.
    judge(&mut scene, "unheard acknowledgements", bench, &result, 0);
    scene
}

/// The network hangs for longer than a lease lives: the server gives the calls up, and makes them again.
pub(crate) async fn lease_lost(bench: &Bench) -> Scene {
    let mut scene = Scene::default();
    let result = amid(bench, "lease", async || {
        bench.network.becomes(Weather::Hanging);
        tokio::time::sleep(2 * LEASE).await;
        bench.network.becomes(Weather::Fine);
        bench.server.registered(bench.worker()).await;
        // The held bodies are those of calls that have been given up; the second ones are not held.
        for n in 0..UNDER_WAY {
            bench.counter.reached(&format!("lease-{n}"), "three", 2).await;
        }
        bench.counter.release();
    })
    .await;
    // The step that was given up runs again, by the server's decision, and no other does.
    judge(&mut scene, "lost leases", bench, &result, UNDER_WAY);
    scene
}

/// The server is stopped in order, which it announces, and started again.
pub(crate) async fn gateway_closes(bench: &mut Bench) -> Scene {
    let mut scene = Scene::default();
    let names = names("closes", UNDER_WAY);
    for name in &names {
        bench.counter.hold(name, "three");
    }
    let mut events = Vec::new();
    for name in &names {
        let data = json!({ "count": bench.counter.url(name) });
        events.push(bench.server.send("testing/five.requested", &data).await);
    }
    for name in &names {
        bench.counter.reached(name, "three", 1).await;
    }
    let begun = Instant::now();
    let release = bench.counter.clone();
    let releasing = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        release.release();
    });
    bench.restart_engine().await;
    releasing.await.expect("no panic");
    let mut ended = Vec::new();
    for event in &events {
        ended.push(bench.server.ended(event).await);
    }
    // Replies for the server's previous life do not count, so a step that was under way may run again.
    judge(&mut scene, "server restarted", bench, &(names, ended, begun.elapsed()), UNDER_WAY);
    scene
}

/// A worker is asked to stop in the middle of its work, and another takes over.
pub(crate) async fn stopped_under_load(bench: &mut Bench) -> Scene {
    let mut scene = Scene::default();
    let state = tempfile::tempdir().expect("a folder");
    let successor = bench.launch(&state);
    bench.server.registered(successor.address).await;
    let mut stopping = bench.worker.take().expect("a worker");
    let mut took = Duration::ZERO;
    let result = amid(bench, "stopped", async || {
        let begun = Instant::now();
        stopping.ask_to_stop();
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.counter.release();
        stopping.ended().await;
        took = begun.elapsed();
    })
    .await;
    scene.measured("asked to stop: process gone after", format!("{took:.2?}"));
    bench.worker = Some(successor);
    judge(&mut scene, "asked to stop", bench, &result, 0);
    // Keeps its state for the rest of the drill.
    std::mem::forget(state);
    scene
}

/// `kill -9`: the next process of the same instance gives back what the killed one had taken.
pub(crate) async fn killed(bench: &mut Bench) -> Scene {
    let mut scene = Scene::default();
    // The one whose state folder is at hand.
    drop(bench.worker.take());
    bench.start_worker().await;
    let names = names("killed", UNDER_WAY);
    for name in &names {
        bench.counter.hold(name, "three");
    }
    let mut events = Vec::new();
    for name in &names {
        let data = json!({ "count": bench.counter.url(name) });
        events.push(bench.server.send("testing/five.requested", &data).await);
    }
    for name in &names {
        bench.counter.reached(name, "three", 1).await;
    }
    bench.worker.take().expect("a worker").kill();
    bench.counter.release();
    bench.start_worker().await;
    let begun = Instant::now();
    for name in &names {
        bench.counter.reached(name, "three", 2).await;
    }
    let back = begun.elapsed();
    let mut ended = Vec::new();
    for event in &events {
        ended.push(bench.server.ended(event).await);
    }
    scene.measured("killed: interrupted steps run again after", format!("{back:.2?}"));
    scene.must(back < LEASE, || {
        format!(
            "killed: the calls came back after {back:?}, no sooner than by the end of their leases"
        )
    });
    judge(&mut scene, "killed", bench, &(names, ended, begun.elapsed()), UNDER_WAY);
    scene
}

/// The way to the gateway takes longer than the token of the start call lives; then it is short again.
pub(crate) async fn token_expired() -> Scene {
    let mut scene = Scene::default();
    let mut bench = Bench::without_worker(Duration::from_secs(1)).await;
    bench.network.becomes(Weather::Slow(Duration::from_millis(2_500)));
    let state = tempfile::tempdir().expect("a folder");
    let worker = bench.launch(&state);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let refused = bench.server.registration(worker.address).await;
    bench.network.becomes(Weather::Fine);
    bench.server.registered(worker.address).await;
    bench.worker = Some(worker);
    let begun = Instant::now();
    let names = names("token", UNDER_WAY);
    let ended = bench.runs(&names).await;
    scene.must(refused["state"] == "pending", || format!("token expired: it was taken: {refused}"));
    judge(&mut scene, "token expired", &bench, &(names, ended, begun.elapsed()), 0);
    scene
}
