//! A worker that connects, under every misfortune that a connection can have.

mod bench;
mod scenes;

use crate::{Figures, Size};

use self::bench::Bench;

/// What one scene found: its name, what it measured, what was short of the aim.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    figures: Vec<(String, String)>,
    short: Vec<String>,
}

impl Scene {
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
    let mut all = Vec::new();
    let mut bench = Bench::start().await;
    all.push(scenes::many_requests(&bench, size.pick(10_000, 240)).await);
    all.push(scenes::torn(&bench).await);
    all.push(scenes::hanging(&bench).await);
    all.push(scenes::unacknowledged(&bench).await);
    all.push(scenes::lease_lost(&bench).await);
    all.push(scenes::gateway_closes(&mut bench).await);
    all.push(scenes::stopped_under_load(&mut bench).await);
    all.push(scenes::killed(&mut bench).await);
    let (connections, starts) = (bench.network.connections(), scenes::MOST_CONNECTIONS);
    drop(bench);
    all.push(scenes::token_expired().await);

    let mut figures = Figures::of("connect: a worker and its connection under misfortune");
    let mut short = Vec::new();
    for scene in all {
        for (name, value) in scene.figures {
            figures.add(&name, value);
        }
        short.extend(scene.short.into_iter().map(|fault| format!("connect: {fault}")));
    }
    figures.add("connections in all of it", connections);
    if connections > starts {
        short.push(format!(
            "connect: {connections} connections, which is a storm: at most {starts}"
        ));
    }
    figures.print();
    short
}
