//! `kill -9` of the worker, then of the engine, while many runs are in their third of five steps.

use std::time::Instant;

use futures::future::join_all;
use serde_json::json;

use crate::Figures;
use crate::counter::Counter;
use crate::process::{folder_of, free_address};
use crate::server::{Mode, Server};

const RUNS: usize = 20;

pub(crate) async fn drill() -> Vec<String> {
    let mut short = one(Victim::Worker).await;
    short.extend(one(Victim::Engine).await);
    short
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Worker,
    Engine,
}

async fn one(victim: Victim) -> Vec<String> {
    let mut server = Server::own(Mode::Signed);
    let counter = Counter::start().await;
    let components = folder_of(&[guests::STEPS]);
    let mut worker = server.worker(&components, free_address()).await;
    let names: Vec<String> = (0..RUNS).map(|n| format!("run-{n}")).collect();
    let mut events = Vec::new();
    for name in &names {
        counter.hold(name, "three");
        events.push(
            server.send("testing/five.requested", &json!({"count": counter.url(name)})).await,
        );
    }
    join_all(names.iter().map(|name| counter.reached(name, "three", 1))).await;

    let killed = Instant::now();
    match victim {
        Victim::Worker => {
            let address = worker.kill();
            worker = server.worker(&components, address).await;
        }
        Victim::Engine => server.kill_and_restart(),
    }
    let back = killed.elapsed();
    counter.release();
    let ended = join_all(events.iter().map(|event| server.ended(event))).await;
    let recovered = killed.elapsed();
    drop(worker);

    let completed = ended
        .iter()
        .filter(|ended| ended.status == "Completed" && ended.output == json!([1, 2, 3, 4, 5]))
        .count();
    let bodies = |step: &str| -> u32 {
        names.iter().map(|name| counter.counts(name).get(step).copied().unwrap_or(0)).sum()
    };
    let mut figures = Figures::of(&format!("recover: kill -9 of the {victim:?}").to_lowercase());
    figures.add("runs in step 3 of 5 when it was killed", RUNS);
    figures.add("runs completed with the right result", completed);
    for step in ["one", "two", "three", "four", "five"] {
        figures.add(&format!("bodies of step {step} run"), bodies(step));
    }
    figures.add("process back after", format!("{back:.2?}"));
    figures.add("all runs completed after", format!("{recovered:.2?}"));
    figures.print();

    let runs = u32::try_from(RUNS).expect("few");
    let mut short = Vec::new();
    if completed != RUNS {
        short.push(format!("{victim:?}: only {completed} of {RUNS} runs completed"));
    }
    for (step, most) in
        [("one", runs), ("two", runs), ("three", 2 * runs), ("four", runs), ("five", runs)]
    {
        if bodies(step) < runs || bodies(step) > most {
            short.push(format!(
                "{victim:?}: step {step} ran {} times, not {runs} to {most}",
                bodies(step)
            ));
        }
    }
    short
}
