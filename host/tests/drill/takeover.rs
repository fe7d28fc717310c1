//! A second worker takes over from the first while long steps run.

use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::stage::{self, Asked, MOVING, STAYING, Stage};
use crate::{Figures, Size};

/// How long new runs begin before and after the second worker is started, and how often.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let mut stage = Stage::start().await;
    stage.worker(&[]).await;
    let held = size.pick(100, 10);

    // Steps that run when the second worker comes, and end after the first one was told to go.
    let mut asked = Vec::new();
    for n in 0..held {
        let name = format!("long-{n}");
        stage.counter.hold(&name, "1.two");
        let function = if n % 2 == 0 { MOVING } else { STAYING };
        asked.push(stage.ask(function, &name, 10).await);
    }
    join_all(asked.iter().map(|one| stage.counter.reached(&one.name, "1.two", 1))).await;

    let began = Instant::now();
    let old = format!("http://{}", stage.workers[0].address);
    stage.worker(&["--replace", &old]).await;
    let registered = began.elapsed();
    // Runs go on beginning while the first worker finishes what it has.
    for n in 0..held {
        asked.push(stage.ask(MOVING, &format!("after-{n}"), 10).await);
        tokio::time::sleep(PAUSE).await;
    }
    let mut first = stage.workers.remove(0);
    stage.counter.release();
    let gone = tokio::time::timeout(crate::PATIENCE, first.ended()).await.is_ok();
    let drained = began.elapsed();
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

    let mut figures = Figures::of("takeover: a second worker takes the first one's place");
    figures.add("runs with a step under way", held);
    figures.add("runs begun after it came", asked.len() - held);
    figures.add("runs completed", format!("{completed} of {}", asked.len()));
    figures.add("bodies run twice", twice);
    figures.add("second worker registered after", format!("{registered:.2?}"));
    figures.add("first worker gone after", format!("{drained:.2?}"));
    figures.print();

    let mut short = Vec::new();
    if completed != asked.len() {
        short.push(format!("takeover: only {completed} of {} runs completed", asked.len()));
    }
    if twice != 0 {
        short.push(format!("takeover: {twice} bodies ran twice"));
    }
    if !gone {
        short.push("takeover: the first worker is still there".to_owned());
    }
    short
}
