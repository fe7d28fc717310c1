//! Components that try to get what they were not granted, with everything there that they must not get.

mod attempt;
mod attempts;
mod redis;
mod scene;
mod site;
mod swapper;

use std::collections::BTreeMap;

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

    let (mut refused, mut denied, mut with_record) = (0, 0, 0);
    let recorded = scene.recorded();
    let mut seen = BTreeMap::new();
    for (attempt, outcome) in &made {
        let made = match outcome {
            Ok(made) => made,
            Err(fault) => {
                short.push(format!("{}: {fault}", attempt.what));
                continue;
            }
        };
        refused += 1;
        println!("{:<52} {}", attempt.what, made.told);
        if let Some(run) = &made.denied {
            denied += 1;
            if recorded.contains(run) {
                with_record += 1;
            } else {
                short.push(format!("{}: it was denied, and no record says so", attempt.what));
            }
        }
        if let Some(sign) = &made.seen {
            seen.entry(sign).or_insert(attempt.what);
        }
    }
    for (sign, first) in &seen {
        short.push(format!("seen after `{first}` and perhaps others: {sign}"));
    }
    println!();
    short.extend(scene.leaked());
    short.extend(scene.outside_changed());
    let handles = scene.handles();

    let mut figures = Figures::of("escapes: components that want more than they were granted");
    figures.add("attempts", made.len());
    figures.add("refused", refused);
    figures.add("escaped", made.len() - refused);
    figures.add("signs of an escape, of whichever attempt", seen.len());
    figures.add(
        "refused as not granted, with a record of that run",
        format!("{with_record} of {denied}"),
    );
    figures.add("well-behaved runs completed beside them", format!("{good} of {GOOD}"));
    figures.add("swaps of the path that was raced for", swaps);
    figures.add("handles of roots that are open at the end", handles);
    figures.print();

    if good != GOOD {
        short.push(format!("only {good} of {GOOD} well-behaved runs completed"));
    }
    if swaps < 1_000 {
        short.push(format!("the path was swapped {swaps} times only"));
    }
    if denied < DENIED {
        short.push(format!("only {denied} attempts met a grant that did not allow them"));
    }
    if handles > ROOTS {
        short.push(format!("{handles} handles of {ROOTS} roots are open"));
    }
    short
}

/// How many roots the worker holds open, and the file of its log.
const ROOTS: usize = 5 + 1;

/// How many attempts at least are at what is not granted; the others break limits and rules.
const DENIED: usize = 20;

/// Runs one after another; how many completed.
async fn good_runs(scene: &Scene) -> usize {
    let mut completed = 0;
    for n in 0..GOOD {
        completed += usize::from(scene.behaves(&format!("good-{n}")).await);
    }
    completed
}
