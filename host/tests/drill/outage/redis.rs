//! Redis is killed, held still, and both, while components write.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::{WITHIN, World};
use super::{Found, GENEROUS};
use crate::Size;

/// How long each outage lasts: longer than a command may take, shorter than a run goes on trying.
const OUTAGE: Duration = Duration::from_secs(2);

pub(super) async fn scene(world: &World, size: Size) -> Found {
    let runs = size.pick(300, 24);
    let (asked, ()) = tokio::join!(load(world, runs), misfortune(world));

    let mut found = Found::default();
    let (mut completed, mut told, mut lost) = (0, 0, 0);
    let mut words = Words::default();
    let store = world.store.lock().await;
    for (name, event) in &asked {
        let ended = world.ended(event).await;
        words.read(&world.counter.counts(name));
        if ended.status == "Completed" {
            completed += 1;
            told += usize::from(ended.output == Value::Bool(true));
            lost += usize::from(!store.has(&format!("uses-outage:{name}")));
        } else {
            found.short.push(format!("{name} ended as {}: {}", ended.status, ended.output));
        }
    }
    found.measured("runs", asked.len());
    found.measured("runs completed", completed);
    found.measured("attempts to write", words.attempts);
    found.measured("retries", words.attempts.saturating_sub(words.done));
    found.measured("typed errors seen", format!("{:?}", words.refused));
    found.measured(
        "told to people, and not, in completed runs",
        format!("{told}, {}", completed - told),
    );
    found.measured("longest call beyond its deadline", format!("{} ms", words.beyond));
    found.measured("writes that were answered and are lost", lost);
    let refused: u32 = words.refused.values().sum();
    found.must(refused > 0, || "nobody noticed the outages".to_owned());
    found.must(lost == 0, || format!("{lost} writes are lost"));
    found.must(words.beyond < GENEROUS, || format!("a call took {} ms too long", words.beyond));
    found.must(words.attempts == words.done + refused, || {
        format!("of {} attempts {} were done and {refused} refused", words.attempts, words.done)
    });
    for reason in words.refused.keys() {
        found.must(["Late", "Unavailable"].contains(&reason.as_str()), || {
            format!("an attempt was refused as {reason}")
        });
    }
    found.must(world.alive().await, || "the worker does not answer".to_owned());
    found
}

/// Starts runs over as long as the misfortunes last; their names and events.
async fn load(world: &World, runs: u32) -> Vec<(String, String)> {
    // Three outages with a pause after each, and one before.
    let pause = OUTAGE * 7 / runs;
    let mut asked = Vec::new();
    for n in 0..runs {
        let name = format!("keeps-{n}");
        let event = world.ask("keeps", json!({ "name": name }), &name).await;
        asked.push((name, event));
        tokio::time::sleep(pause).await;
    }
    asked
}

async fn misfortune(world: &World) {
    let wait = || tokio::time::sleep(OUTAGE);
    let mut store = world.store.lock().await;
    tokio::time::sleep(OUTAGE / 2).await;
    store.kill();
    wait().await;
    store.resume().await;
    wait().await;
    store.freeze();
    wait().await;
    store.thaw();
    wait().await;
    store.freeze();
    wait().await;
    store.kill();
    store.resume().await;
}

/// What runs have reported.
#[derive(Debug, Default)]
struct Words {
    attempts: u32,
    done: u32,
    refused: BTreeMap<String, u32>,
    /// Milliseconds that the longest call took longer than it may.
    beyond: u64,
}

impl Words {
    /// Adds what one run has reported: `attempt`, and a reason or `Done` or `Told` with its milliseconds.
    fn read(&mut self, counts: &BTreeMap<String, u32>) {
        for (word, count) in counts {
            let Some((what, took)) = word.split_once('.') else {
                self.attempts += count;
                continue;
            };
            // Telling asks up to four times: for the state, the queue, the sessions, and to push.
            let most = if what == "Told" { 4 * WITHIN } else { WITHIN };
            let took: u64 = took.parse().unwrap_or(u64::MAX);
            self.beyond = self.beyond.max(took.saturating_sub(most));
            match what {
                "Told" => {}
                "Done" => self.done += count,
                reason => *self.refused.entry(reason.to_owned()).or_default() += count,
            }
        }
    }
}
