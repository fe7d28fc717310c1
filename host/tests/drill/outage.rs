//! What components need comes and goes under load: Redis is killed, held still and started again, the disk is full, and
//! names are not found.

mod disk;
mod names;
mod redis;
mod world;

use crate::{Figures, Size};

/// Longer than any call may take beyond its time, on a machine that is busy with other things.
const GENEROUS: u64 = 10_000;

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
    let mut figures = Figures::of("outage: Redis, the disk and names fail under load");
    let mut short = Vec::new();
    let world = world::World::start().await;
    figures.add("a disk and a resolver of its own", world.private());
    // As one test among others it does what the machine allows; whoever asks for the drill is told what it did not do.
    if size == Size::Full && !world.private() {
        let left_out = "outage: a full disk and a resolver that does not answer were left out, since this user may not \
                        mount; run it as root, or where users have namespaces of their own";
        short.push(left_out.to_owned());
    }
    let all = [
        ("Redis", redis::scene(&world, size).await),
        ("disk", disk::scene(&world, size).await),
        ("names", names::scene(&world, size).await),
    ];
    for (scene, found) in all {
        for (name, value) in found.figures {
            figures.add(&format!("{scene}: {name}"), value);
        }
        short.extend(found.short.into_iter().map(|fault| format!("outage, {scene}: {fault}")));
    }
    figures.print();
    short
}
