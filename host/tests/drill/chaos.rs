//! Everything fails at random under load: workers, the engine and Redis are killed and held still, the way to workers is cut and
//! slowed. At the end, every event that was accepted has exactly one run, and that has ended.

mod found;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::found::until_all_have_ended;
use crate::engine::load::Load;
use crate::engine::luck::Luck;
use crate::{Figures, Size};

use self::found::Found;
use self::world::World;

/// How many events come in a second.
const EVENTS_A_SECOND: u32 = 20;

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Misfortune {
    EngineKilled,
    EngineAway,
    HostKilled,
    HostHeld,
    ClusterKilled,
    ClusterHeld,
    RedisKilled,
    RedisHeld,
    Cut,
    Slowed,
}

const ALL: [(Misfortune, &str); 10] = [
    (Misfortune::EngineKilled, "engine killed"),
    (Misfortune::EngineAway, "engine away for a while"),
    (Misfortune::HostKilled, "worker behind an address killed"),
    (Misfortune::HostHeld, "worker behind an address held still"),
    (Misfortune::ClusterKilled, "worker that dials killed"),
    (Misfortune::ClusterHeld, "worker that dials held still"),
    (Misfortune::RedisKilled, "Redis killed"),
    (Misfortune::RedisHeld, "Redis held still"),
    (Misfortune::Cut, "way to workers cut"),
    (Misfortune::Slowed, "way to workers slowed"),
];

/// `--drill chaos [SECONDS [SEED]]`.
fn asked(size: Size) -> (u64, Luck) {
    let mut numbers = std::env::args().skip_while(|arg| arg != "chaos").skip(1);
    let mut next = || numbers.next().and_then(|word| word.parse::<u64>().ok());
    let seconds = next().unwrap_or(size.pick(600, 12));
    (seconds, next().map_or_else(Luck::of_now, Luck::of))
}

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let (seconds, mut luck) = asked(size);
    let mut world = World::start().await;
    let pace = Duration::from_secs(1) / EVENTS_A_SECOND;
    let events = usize::try_from(seconds).expect("not that long") * EVENTS_A_SECOND as usize;
    let load = Load::of(world.origin(), events, Some(pace), world.events());
    let mut happened: BTreeMap<Misfortune, usize> = BTreeMap::new();
    // Each kind once in a round, in an order of its own: none is left to luck alone.
    let mut round: Vec<Misfortune> = Vec::new();
    while !load.is_sent() {
        tokio::time::sleep(Duration::from_millis(luck.between(300, 900))).await;
        if round.is_empty() {
            round = ALL.iter().map(|(misfortune, _)| *misfortune).collect();
        }
        let at = luck.between(0, round.len() as u64);
        let misfortune = round.swap_remove(usize::try_from(at).expect("one of them"));
        let time = Duration::from_millis(luck.between(200, 2_000));
        world.suffer(misfortune, time, luck.between(0, 2)).await;
        *happened.entry(misfortune).or_default() += 1;
    }
    let sent = load.all_sent().await;
    let calm = Instant::now();
    until_all_have_ended(world.origin()).await;
    let calm = calm.elapsed();
    let found = Found::read(world.origin(), &sent).await;

    let mut figures = Figures::of("chaos: everything fails at random under load");
    figures.add("seconds, and the seed of the moments", format!("{seconds}, {}", luck.seed()));
    for (misfortune, name) in ALL {
        figures.add(name, happened.get(&misfortune).copied().unwrap_or_default());
    }
    figures.add("events accepted", sent.len());
    figures.add("of which sent again, having no answer", sent.repeated());
    figures.add("runs that completed", found.completed);
    figures.add("runs that failed", found.failed);
    figures.add("events with no run", found.without.len());
    figures.add("events with more than one run", found.twice.len());
    figures.add("runs that have not ended", found.open.len());
    figures.add("bodies that ran, and those that ran again", world.bodies(&sent));
    figures.add("until all had ended, once all was well", format!("{calm:.1?}"));
    figures.print();

    let mut short = Vec::new();
    let mut must = |holds: bool, otherwise: String| {
        if !holds {
            short.push(format!("chaos: {otherwise}"));
        }
    };
    for (what, which) in [
        ("events have no run", &found.without),
        ("events have more than one run", &found.twice),
        ("runs have not ended", &found.open),
    ] {
        must(which.is_empty(), format!("{} {what}, such as {:?}", which.len(), which.first()));
    }
    must(
        found.completed + found.failed == sent.len(),
        format!("{} runs have ended, of {} events", found.completed + found.failed, sent.len()),
    );
    // What a run may not survive is five failed attempts in a row; few are that unlucky.
    must(found.failed * 10 <= sent.len(), format!("{} runs failed", found.failed));
    must(happened.values().sum::<usize>() > 0, "nothing happened".to_owned());
    short
}
