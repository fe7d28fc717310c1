//! A worker takes over from the one before it while long steps run and new runs begin; and another one from that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::stage::{self, Asked, MOVING, STAYING, Stage};
use crate::{Figures, Size};

/// The pause between two runs that begin while a worker takes over, and after it has.
const PAUSE: Duration = Duration::from_millis(20);

/// One worker has taken over from another.
struct TakenOver {
    asked: Vec<Asked>,
    /// How many of them began before the new worker was registered.
    during: usize,
    registered: Duration,
    gone: Duration,
    /// What was wrong with the end of the old one.
    fault: Option<String>,
}

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let mut stage = Stage::start().await;
    stage.worker(&[]).await;
    let held = size.pick(100, 10);
    let rounds =
        [take_over(&mut stage, "first", held).await, take_over(&mut stage, "next", held).await];

    let asked: Vec<Asked> = rounds.iter().flat_map(|round| round.asked.clone()).collect();
    let ended = stage.ended(&asked).await;
    let expected = stage::told(&["one", "two", "three", "four", "five"].map(|step| ("1", step)));
    let completed = ended
        .iter()
        .filter(|ended| ended.status == "Completed" && ended.output == expected)
        .count();
    let twice = |one: &Asked| -> u32 {
        stage.counter.counts(&one.name).values().map(|count| count - 1).sum()
    };
    let twice: u32 = asked.iter().map(twice).sum();
    let during: usize = rounds.iter().map(|round| round.during).sum();
    let both = |of: fn(&TakenOver) -> Duration| {
        let [one, next] = rounds.each_ref().map(of);
        format!("{one:.2?} and {next:.2?}")
    };

    let mut figures = Figures::of("takeover: a worker takes the place of another, twice");
    figures.add("runs with a step under way", 2 * held);
    figures.add("runs begun while one took over", during);
    figures.add("runs begun after that", asked.len() - 2 * held - during);
    figures.add("runs completed", format!("{completed} of {}", asked.len()));
    figures.add("bodies run twice", twice);
    figures.add("new worker registered after", both(|round| round.registered));
    figures.add("old worker gone after", both(|round| round.gone));
    figures.print();

    let mut short: Vec<_> = rounds.into_iter().filter_map(|round| round.fault).collect();
    if completed != asked.len() {
        short.push(format!("takeover: only {completed} of {} runs completed", asked.len()));
    }
    if twice != 0 {
        short.push(format!("takeover: {twice} bodies ran twice"));
    }
    if during == 0 {
        short.push("takeover: no run began while a worker took over".to_owned());
    }
    short
}

/// The last worker is replaced while it holds as many steps as asked for.
async fn take_over(stage: &mut Stage, round: &str, held: usize) -> TakenOver {
    // Steps that run when the new worker comes, and end after the old one was told to go.
    let mut asked = Vec::new();
    for n in 0..held {
        let name = format!("{round}-long-{n}");
        stage.counter.hold(&name, "1.two");
        let function = if n % 2 == 0 { MOVING } else { STAYING };
        asked.push(stage.ask(function, &name, 10).await);
    }
    join_all(asked.iter().map(|one| stage.counter.reached(&one.name, "1.two", 1))).await;

    let began = Instant::now();
    let last = stage.workers.last().expect("a worker");
    let old = format!("http://{}", last.address);
    let there = AtomicBool::new(false);
    let starting = async {
        let worker = stage.started(&["--replace", &old]).await;
        there.store(true, Ordering::Relaxed);
        (worker, began.elapsed())
    };
    // Runs begin all the time, and go on beginning while the old worker finishes what it has.
    let asking = async {
        let (mut runs, mut during, mut after) = (Vec::new(), 0, 0);
        while after < held {
            if there.load(Ordering::Relaxed) {
                after += 1;
            } else {
                during += 1;
            }
            let name = format!("{round}-new-{during}-{after}");
            runs.push(stage.ask(MOVING, &name, 10).await);
            tokio::time::sleep(PAUSE).await;
        }
        (runs, during)
    };
    let ((worker, registered), (runs, during)) = tokio::join!(starting, asking);
    asked.extend(runs);
    let mut old = stage.workers.pop().expect("a worker");
    stage.workers.push(worker);
    stage.counter.release();
    let fault = match tokio::time::timeout(crate::PATIENCE, old.ended()).await {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("takeover: the old worker ended with {status}")),
        Err(_) => Some("takeover: the old worker is still there".to_owned()),
    };
    TakenOver { asked, during, registered, gone: began.elapsed(), fault }
}
