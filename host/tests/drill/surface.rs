//! The end-to-end suite in all ways, one way after the other, with figures. As for the tests, the server is our engine or
//! the Inngest that `SYSTEM_BUS_E2E_SERVER` names.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::FutureExt;

use crate::Figures;
use crate::server::{Server, other_server};
use crate::suite::way::{self, Way};
use crate::suite::{Tally, steps, surface};

pub(crate) async fn drill() -> Vec<String> {
    let (mut rows, mut short) = (Vec::new(), Vec::new());
    let mut all = Tally { functions: 0, runs: 0, bodies: 0 };
    let (mut passed, began) = (0, Instant::now());
    for way in way::ALL {
        let began = Instant::now();
        let figure = match one(way).await {
            None => "left out: the server is of the other mode".to_owned(),
            Some(Ok(tally)) => {
                passed += 1;
                all.functions = all.functions.max(tally.functions);
                all.runs += tally.runs;
                all.bodies += tally.bodies;
                let Tally { functions, runs, bodies } = tally;
                let seconds = began.elapsed().as_secs_f64();
                format!("{functions} functions, {runs} runs, {bodies} bodies, {seconds:.1} s")
            }
            Some(Err(faults)) => {
                let seconds = began.elapsed().as_secs_f64();
                short.extend(faults.into_iter().map(|fault| format!("surface, {way}: {fault}")));
                format!("FELL SHORT after {seconds:.1} s")
            }
        };
        rows.push((way.to_string(), figure));
    }
    if passed == 0 {
        short.push("surface: no way has passed".to_owned());
    }

    let mut figures = Figures::of("surface: every kind of step and every option, in all ways");
    figures.add("server", other_server().as_deref().unwrap_or("our engine"));
    for (way, figure) in rows {
        figures.add(&way, figure);
    }
    figures.add("ways passed", format!("{passed} of {}", way::ALL.len()));
    figures.add("functions", all.functions);
    figures.add("runs ended as they must", all.runs);
    figures.add("bodies run, each as often as it must", all.bodies);
    figures.add("seconds", format!("{:.1}", began.elapsed().as_secs_f64()));
    figures.print();
    short
}

/// The parts of the suite in one way, one after the other: they share an app. What they found together, or what was
/// wrong; none where the server runs in the other mode.
async fn one(way: Way) -> Option<Result<Tally, Vec<String>>> {
    let steps = judged(Box::pin(steps::steps(way, Server::start(way.mode)?))).await;
    let surface = judged(Box::pin(surface::surface(way, Server::start(way.mode)?))).await;
    Some(match (steps, surface) {
        (Ok(one), Ok(other)) => Ok(Tally {
            functions: one.functions + other.functions,
            runs: one.runs + other.runs,
            bodies: one.bodies + other.bodies,
        }),
        (one, other) => Err([one.err(), other.err()].into_iter().flatten().collect()),
    })
}

/// What a part of the suite found, or what the assertion said that failed.
async fn judged(part: impl Future<Output = Tally>) -> Result<Tally, String> {
    // Nothing that a panic left behind is looked at.
    AssertUnwindSafe(part).catch_unwind().await.map_err(said)
}

fn said(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().copied().unwrap_or("it panicked").to_owned(),
    }
}
