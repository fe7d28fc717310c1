//! Many events to a function of five steps, through engine and worker in processes of their own: with crashes of both at
//! random moments, and without.

pub(crate) mod found;
pub(crate) mod load;
pub(crate) mod luck;

use std::time::{Duration, Instant};

use crate::counter::Counter;
use crate::process::{Process, folder_of, free_address};
use crate::server::{Mode, Server};
use crate::{Figures, Size};

use self::found::Found;
use self::load::Load;
use self::luck::Luck;

/// What the bodies of the function are called.
pub(crate) const STEPS: [&str; 5] = ["one", "two", "three", "four", "five"];

/// How many calls the engine makes at a time: so many bodies may run once more for each crash.
const CALLS_AT_ONCE: u32 = 100;

pub(crate) async fn drill(size: Size) -> Vec<String> {
    // The small one has its events come slowly: crashes must find something under way.
    let pause = size.pick((500, 2_500), (200, 800));
    let slowly = size.pick(None, Some(Duration::from_millis(40)));
    let mut short = crashes(size.pick(10_000, 100), size.pick(12, 4), pause, slowly).await;
    short.extend(calm("all at once", size.pick(10_000, 40), None).await);
    let pace = Duration::from_millis(size.pick(5, 20));
    short.extend(calm("one after another", size.pick(10_000, 20), Some(pace)).await);
    short
}

/// The events come, one in each `pace` if there is one, while worker and engine are killed in turn, with a pause of so many
/// milliseconds before each.
async fn crashes(
    events: usize,
    kills: usize,
    (shortest, longest): (u64, u64),
    pace: Option<Duration>,
) -> Vec<String> {
    let mut luck = Luck::of_now();
    let mut server = Server::own(Mode::Dev);
    let counter = Counter::start().await;
    let components = folder_of(&[guests::STEPS]);
    let mut worker = server.worker(&components, free_address()).await;
    let began = Instant::now();
    let load = Load::start(server.origin(), events, Some(&counter), pace);
    let (mut engines, mut workers) = (0, 0);
    let mut last = 0;
    while engines + workers < kills {
        // A moment of its own each time, and somewhere new: without progress in between a run could lose all of its
        // attempts to crashes, which is no fault of anybody's.
        tokio::time::sleep(Duration::from_millis(luck.between(shortest, longest))).await;
        let reports = counter.total();
        if reports == last && load.is_sent() {
            break;
        }
        last = reports;
        if engines <= workers {
            server.kill_and_restart();
            engines += 1;
        } else {
            let address = worker.kill();
            worker = server.worker(&components, address).await;
            workers += 1;
        }
    }
    let sent = load.all_sent().await;
    found::until_all_have_ended(server.origin()).await;
    let took = began.elapsed();
    let found = Found::read(server.origin(), &sent).await;
    drop(worker);

    let (mut missing, mut bodies) = (0, 0);
    for name in sent.names() {
        let counts = counter.counts(&name);
        missing += STEPS.iter().filter(|step| !counts.contains_key(**step)).count();
        bodies += counts.values().sum::<u32>();
    }
    let all = u32::try_from(events * STEPS.len()).expect("not that many");
    let again = bodies.saturating_sub(all);
    let explained = u32::try_from(engines + workers).expect("few") * CALLS_AT_ONCE;

    let mut figures = Figures::of("engine: crashes of engine and worker");
    figures.add("seed of the moments", luck.seed());
    figures.add("events taken in", sent.len());
    figures.add("of which sent again, having no answer", sent.repeated());
    figures.add("kill -9 of the engine", engines);
    figures.add("kill -9 of the worker", workers);
    figures.add("runs", found.runs);
    figures.add("runs completed with the right result", found.completed);
    figures.add("steps that ended", found.steps);
    figures.add("steps that ended twice", found.steps_twice);
    figures.add("bodies that never ran", missing);
    figures.add("bodies that ran again after a crash", format!("{again} (at most {explained})"));
    figures.add("all of it took", format!("{took:.1?}"));
    figures.print();

    let mut short = found.shortcomings("engine: crashes", events);
    let mut must = |holds: bool, otherwise: String| {
        if !holds {
            short.push(format!("engine: crashes: {otherwise}"));
        }
    };
    must(missing == 0, format!("{missing} bodies never ran"));
    must(
        again <= explained,
        format!("{again} bodies ran again, and the crashes explain {explained}"),
    );
    must(engines > 0 && workers > 0, format!("{engines} engines and {workers} workers killed"));
    short
}

/// The events come and nothing is in their way: as fast as the engine takes them, or one in each `pace`.
async fn calm(how: &str, events: usize, pace: Option<Duration>) -> Vec<String> {
    let server = Server::own(Mode::Dev);
    let components = folder_of(&[guests::STEPS]);
    let worker = server.worker(&components, free_address()).await;
    let began = Instant::now();
    let sent = Load::start(server.origin(), events, None, pace).all_sent().await;
    let taken_in = began.elapsed();
    found::until_all_have_ended(server.origin()).await;
    let memory = [server.resident_kib(), resident(&worker)];
    let found = Found::read(server.origin(), &sent).await;
    drop(worker);

    let mut figures = Figures::of(&format!("engine: {how}"));
    figures.add("events", sent.len());
    figures.add("all taken in after", format!("{taken_in:.1?}"));
    figures.add("runs of five steps, completed", found.completed);
    figures.add("runs a second", format!("{:.0}", found.a_second()));
    for share in [50, 95, 99] {
        figures
            .add(&format!("from event to end, p{share}"), format!("{:.1?}", found.latency(share)));
    }
    for (name, kib) in ["engine", "worker"].into_iter().zip(memory) {
        let told = kib.map_or("not told".to_owned(), |kib| format!("{} MiB", kib >> 10));
        figures.add(&format!("memory of the {name}"), told);
    }
    figures.print();
    found.shortcomings(&format!("engine: {how}"), events)
}

fn resident(worker: &Process) -> Option<u64> {
    worker.resident_kib()
}
