//! Components that try to get what they were not granted, with everything there that they must not get.

mod attempt;
mod attempts;
mod redis;
mod scene;
mod site;
mod swapper;

use futures::future::join_all;

use self::scene::Scene;
use self::swapper::Swapper;
use crate::{Figures, Size};

/// How many runs of a component that keeps to its grants are asked for beside the others.
const GOOD: usize = 20;

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let scene = Scene::start().await;
    // Also what leaves things behind that others must not touch.
    let mut short = Vec::new();
    if !scene.behaves("first").await {
        short.push("the well-behaved run before the attempts did not complete".to_owned());
    }
    let swapper = Swapper::start(scene.path("files"), scene.path("outside"));
    let attempts = attempts::all(&scene, size);
    let (good, made) = tokio::join!(good_runs(&scene), async {
        join_all(attempts.iter().map(async |attempt| (attempt, attempt.make(&scene).await))).await
    });
    let swaps = swapper.swaps();
    drop(swapper);

    let mut refused = 0;
    for (attempt, outcome) in &made {
        match outcome {
            Ok(told) => {
                refused += 1;
                println!("{:<52} {told}", attempt.what);
            }
            Err(fault) => short.push(format!("{}: {fault}", attempt.what)),
        }
    }
    println!();
    short.extend(scene.leaked());
    short.extend(scene.outside_changed());
    let (handles, recorded) = (scene.handles(), scene.recorded());

    let mut figures = Figures::of("escapes: components that want more than they were granted");
    figures.add("attempts", made.len());
    figures.add("refused", refused);
    figures.add("escaped", made.len() - refused);
    figures.add("well-behaved runs completed beside them", format!("{good} of {GOOD}"));
    figures.add("swaps of the path that was raced for", swaps);
    figures.add("audit records in the log", recorded);
    figures.add("handles of roots that are open at the end", handles);
    figures.print();

    if good != GOOD {
        short.push(format!("only {good} of {GOOD} well-behaved runs completed"));
    }
    if swaps < 1_000 {
        short.push(format!("the path was swapped {swaps} times only"));
    }
    if recorded < DENIED {
        short.push(format!("only {recorded} attempts were recorded"));
    }
    if handles > ROOTS {
        short.push(format!("{handles} handles of {ROOTS} roots are open"));
    }
    short
}

/// How many roots the worker holds open, and the file of its log.
const ROOTS: usize = 5 + 1;

/// Fewer records than this mean that denied attempts were not recorded: each of the files' own is one.
const DENIED: usize = 60;

/// Runs one after another; how many completed.
async fn good_runs(scene: &Scene) -> usize {
    let mut completed = 0;
    for n in 0..GOOD {
        completed += usize::from(scene.behaves(&format!("good-{n}")).await);
    }
    completed
}
