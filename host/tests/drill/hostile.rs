//! Guests that break every limit, beside guests that behave.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use crate::Figures;
use crate::counter::Counter;
use crate::process::{folder_of, free_address};
use crate::server::{Mode, Server};

/// What each breaks, and what its error must say.
const BREAKS: [(&str, &str); 9] = [
    ("loop", "for longer than the limit of"),
    ("memory", "more than the limit of 64 MiB"),
    ("stack", "of stack; look for endless recursion"),
    ("output", "to its standard output"),
    ("result", "of JSON, more than the limit of 4 MiB"),
    ("host-call", "to the host in one call"),
    ("panic", "this is the guest's own message"),
    ("trap", "trapped: "),
    ("exit", "called exit"),
];

/// How many well-behaved runs are timed, alone and beside the hostile ones.
const GOOD: usize = 40;

pub(crate) async fn drill() -> Vec<String> {
    let server = Server::own(Mode::Dev);
    let counter = Counter::start().await;
    let components = folder_of(&[guests::STEPS, guests::HOSTILE, guests::START_TRAP]);
    let worker = server
        .worker_with(
            &components,
            free_address(),
            &["--step-limit", "500ms", "--replay-limit", "500ms"],
        )
        .await;
    let alone = good_runs(&server, &counter, "alone").await;
    let (beside, hostile) =
        tokio::join!(good_runs(&server, &counter, "beside"), hostile_runs(&server));

    let mut figures = Figures::of("hostile: guests that break limits");
    let right = hostile.iter().filter(|(_, fault)| fault.is_none()).count();
    figures.add("hostile runs", hostile.len());
    figures.add("failed with an error that names function and limit", right);
    figures.add("well-behaved runs completed, alone", format!("{} of {GOOD}", alone.len()));
    figures.add("well-behaved runs completed, beside them", format!("{} of {GOOD}", beside.len()));
    figures.add("five-step run alone, median", format!("{:.1?}", median(&alone)));
    figures.add("five-step run beside them, median", format!("{:.1?}", median(&beside)));
    figures.add(
        "worker's memory at the end",
        format!("{} MiB", worker.resident_kib().unwrap_or(0) / 1024),
    );
    figures.print();

    let mut short: Vec<String> = hostile
        .into_iter()
        .filter_map(|(what, fault)| Some(format!("{what}: {}", fault?)))
        .collect();
    for (name, runs) in [("alone", alone), ("beside", beside)] {
        if runs.len() != GOOD {
            short.push(format!("only {} of {GOOD} well-behaved runs completed {name}", runs.len()));
        }
    }
    short
}

/// Runs one after another; the time of each that completed.
async fn good_runs(server: &Server, counter: &Counter, name: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in 0..GOOD {
        let began = Instant::now();
        let data = json!({"count": counter.url(&format!("{name}-{n}"))});
        let event = server.send("testing/five.requested", &data).await;
        if server.ended(&event).await.status == "Completed" {
            times.push(began.elapsed());
        }
    }
    times
}

/// All of them at once; what was wrong with each one's end.
async fn hostile_runs(server: &Server) -> Vec<(String, Option<String>)> {
    let one = async |function: &str, what: &str, says: &str| {
        let event =
            server.send(&format!("testing/{function}.requested"), &json!({ "what": what })).await;
        let ended = server.ended(&event).await;
        let error = ended.output.to_string();
        let right = ended.status == "Failed"
            && error.contains(says)
            && error.contains(&format!("function {function}"));
        (format!("{function} {what}"), (!right).then(|| format!("{} {error}", ended.status)))
    };
    let mut all = Vec::new();
    for function in ["breaks", "breaks-in-step"] {
        all.extend(BREAKS.map(|(what, says)| one(function, what, says)));
    }
    all.push(one("unreached", "start", "the start function traps"));
    join_all(all).await
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
