//! A roll-out as on a cluster: three workers of one app take what comes, and are started anew one after another, killed, and held
//! still. Once with workers that dial the server, and once behind one address.

mod fleet;

use std::time::{Duration, Instant};

use crate::engine::STEPS;
use crate::engine::found::{self, Found};
use crate::engine::load::Load;
use crate::{Figures, Size};

use self::fleet::Fleet;

/// How many workers there are.
const WORKERS: usize = 3;

/// How many bodies may run once more for a worker that is killed: as many calls as it may have under way.
const CALLS_AT_ONCE: u32 = 100;

/// How calls come to the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// They dial the server.
    Connect,
    /// The server calls one address, behind which they stand.
    Address,
}

/// How long each body takes: so that there is always something under way.
const NAP: Duration = Duration::from_millis(100);

/// What happens to the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// All are started anew, one after another, as a roll-out does.
    Restart,
    /// One is killed, and another one started.
    Kill,
    /// One is held still, and killed after a while by whoever watches over it.
    Hang,
}

/// How long one is held still before it is killed: what a liveness probe takes, shortened.
const HELD: Duration = Duration::from_secs(5);

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let scenes = match size {
        Size::Full => [Way::Connect, Way::Address]
            .into_iter()
            .flat_map(|way| [Event::Restart, Event::Kill, Event::Hang].map(|event| (way, event)))
            .collect(),
        Size::Brief => vec![
            (Way::Connect, Event::Restart),
            (Way::Address, Event::Restart),
            (Way::Address, Event::Kill),
        ],
    };
    let mut short = Vec::new();
    for (way, event) in scenes {
        short.extend(scene(way, event, size).await);
    }
    short
}

async fn scene(way: Way, event: Event, size: Size) -> Vec<String> {
    let (events, pace) = (size.pick(6_000, 150), Duration::from_millis(size.pick(5, 40)));
    let mut fleet = Fleet::start(way).await;
    let began = Instant::now();
    let napping = fleet.counter().napping(NAP);
    let load = Load::start(fleet.origin(), events, Some(&napping), Some(pace));
    // The load is there before, and goes on afterwards.
    tokio::time::sleep(pace * u32::try_from(events / 10).unwrap_or(u32::MAX)).await;
    let disturbed = Instant::now();
    match event {
        Event::Restart => {
            for number in 0..WORKERS {
                fleet.replace(number).await;
            }
        }
        Event::Kill => fleet.kill(0).await,
        Event::Hang => fleet.hold(1, HELD).await,
    }
    let disturbed = disturbed.elapsed();
    let during = !load.is_sent();
    let sent = load.all_sent().await;
    found::until_all_have_ended(fleet.origin()).await;
    let took = began.elapsed();
    let found = Found::read(fleet.origin(), &sent).await;

    let (mut missing, mut bodies) = (0, 0);
    for name in sent.names() {
        let counts = fleet.counter().counts(&name);
        missing += STEPS.iter().filter(|step| !counts.contains_key(**step)).count();
        bodies += counts.values().sum::<u32>();
    }
    let again = bodies.saturating_sub(u32::try_from(events * STEPS.len()).expect("not that many"));
    let (what, explained) = match event {
        Event::Restart => ("all are started anew", 0),
        Event::Kill => ("one is killed", CALLS_AT_ONCE),
        Event::Hang => ("one hangs", CALLS_AT_ONCE),
    };
    let how = match way {
        Way::Connect => "workers that dial",
        Way::Address => "workers behind one address",
    };
    let name = format!("rollout: {how}: {what}");
    let mut figures = Figures::of(&name);
    figures.add("workers", WORKERS);
    figures
        .add("events, and events a second", format!("{events}, {:.0}", 1.0 / pace.as_secs_f64()));
    figures.add("what happened took", format!("{disturbed:.1?}"));
    figures.add("runs", found.runs);
    figures.add("runs completed with the right result", found.completed);
    figures.add("steps that ended", found.steps);
    figures.add("steps that ended twice", found.steps_twice);
    figures.add("bodies that never ran", missing);
    figures.add("bodies that ran again", format!("{again} (at most {explained})"));
    for share in [50, 95, 99, 100] {
        figures
            .add(&format!("from event to end, p{share}"), format!("{:.1?}", found.latency(share)));
    }
    figures.add("all of it took", format!("{took:.1?}"));
    figures.print();
    let mut short = found.shortcomings(&name, events);
    let mut must = |holds: bool, otherwise: String| {
        if !holds {
            short.push(format!("{name}: {otherwise}"));
        }
    };
    must(missing == 0, format!("{missing} bodies never ran"));
    must(again <= explained, format!("{again} bodies ran again, and {explained} may"));
    must(during, "the load was over before everything had happened".to_owned());
    short
}
