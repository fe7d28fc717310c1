//! Runs sleep while newer versions are deployed: which version goes on with each of them, by what the bodies report.

mod runs;
mod scenes;

use crate::{Figures, Size};

/// What one scene found: its figures, and what was short of the aim.
#[derive(Debug, Default)]
struct Found {
    figures: Vec<(String, String)>,
    short: Vec<String>,
}

impl Found {
    fn measured(&mut self, name: &str, value: impl std::fmt::Display) {
        self.figures.push((name.to_owned(), value.to_string()));
    }

    fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.short.push(otherwise());
        }
    }
}

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let mut figures = Figures::of("pinning: runs sleep while versions are deployed");
    let mut short = Vec::new();
    let runs = size.pick(1_000, 8);
    let all = [
        ("one worker", scenes::five_generations(1, runs).await),
        ("three workers", scenes::five_generations(3, runs).await),
        ("a step added", scenes::a_step_more(runs.min(100)).await),
        ("an alias", scenes::a_name_known(runs.min(100)).await),
        ("a bug mended", scenes::mended(runs.min(100)).await),
    ];
    for (scene, found) in all {
        for (name, value) in found.figures {
            figures.add(&format!("{scene}: {name}"), value);
        }
        short.extend(found.short.into_iter().map(|fault| format!("pinning, {scene}: {fault}")));
    }
    figures.print();
    short
}
