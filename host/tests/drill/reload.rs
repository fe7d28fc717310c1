//! Reloads in a row under load: versions alternate, some are broken, and no call may notice.

mod load;

use std::time::{Duration, Instant};

use crate::clone::Artifact;
use crate::patience::PATIENCE;
use crate::stage::{self, COMPONENT, STAYING, Stage};
use crate::{Figures, Size};

use self::load::Load;

/// Every so many reloads the component in the folder is half of one, and as often a text.
const BROKEN_EVERY: usize = 10;

/// How much the worker's memory may have grown at the end: what an allocator keeps, and the lines of the log.
const MARGIN_KIB: u64 = 32 << 10;

/// What has been deployed.
#[derive(Debug, Default)]
struct Deployed {
    activated: usize,
    refused: usize,
    took: Vec<Duration>,
    faults: Vec<String>,
}

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let mut stage = Stage::start().await;
    stage.worker(&["--checkpoints", "off", "--log", "off"]).await;
    let versions = [stage::first(), stage::same_as_first("2")];
    let (reloads, calls_a_second) = (size.pick(1_000, 40), size.pick(500, 100));

    let load = Load::start(stage.workers[0].address, calls_a_second);
    // Both versions are compiled, both have served, and the pool of instances is warm.
    let mut all = Deployed::default();
    reload(&stage, &versions, reloads / 20, &mut all).await;
    let began = Instant::now();
    while load.versions() < versions.len() && began.elapsed() < PATIENCE {
        reload(&stage, &versions, 1, &mut all).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = resident(&stage);
    let began = Instant::now();
    reload(&stage, &versions, reloads, &mut all).await;
    let took = began.elapsed();
    let after = resident(&stage);
    let served = load.stop().await;

    let lines = stage.folders.activations();
    let of_one = lines.iter().filter(|line| line["function"] == STAYING).count();
    all.took.sort_unstable();
    let median = all.took.get(all.took.len() / 2).copied().unwrap_or_default();

    let mut figures = Figures::of("reload: versions alternate under load");
    figures.add("reloads", all.activated + all.refused);
    figures.add("of which activated a version", all.activated);
    figures.add("of which refused a broken component", all.refused);
    figures.add("a reload took, median", format!("{median:.1?}"));
    figures.add("all of them took", format!("{took:.1?}"));
    figures.add("calls", served.calls);
    figures.add("calls a second", format!("{:.0}", served.a_second()));
    figures.add("calls that failed", served.failed.len());
    figures.add("calls handed back", served.handed_back);
    figures.add("runs of two steps", served.runs);
    figures.add("runs that saw two versions", served.mixed.len());
    figures.add("versions that served", served.versions.len());
    let mib =
        |kib: Option<u64>| kib.map_or("not told".to_owned(), |kib| format!("{} MiB", kib >> 10));
    figures.add("memory before and after", format!("{} and {}", mib(before), mib(after)));
    figures.add("lines in the log for each function", of_one);
    figures.print();

    let mut short = all.faults;
    let mut must = |holds: bool, otherwise: String| {
        if !holds {
            short.push(format!("reload: {otherwise}"));
        }
    };
    must(
        served.failed.is_empty(),
        format!("{} calls failed, such as {:?}", served.failed.len(), served.failed.first()),
    );
    must(served.mixed.is_empty(), format!("runs mixed versions: {:?}", served.mixed.first()));
    must(served.versions.len() == 2, format!("both versions serve: {:?}", served.versions));
    // One more for the version that was there at the start.
    must(
        of_one == all.activated + 1,
        format!("{} activations and {of_one} lines of one function", all.activated),
    );
    must(served.handed_back == 0, format!("{} calls were handed back", served.handed_back));
    match (before, after) {
        (Some(before), Some(after)) => {
            must(after <= before + MARGIN_KIB, format!("memory grew from {before} to {after} KiB"));
        }
        _ => must(!cfg!(target_os = "linux"), "the system does not tell the memory".to_owned()),
    }
    if size == Size::Full {
        let wanted = f64::from(calls_a_second) * 0.95;
        must(served.a_second() >= wanted, format!("only {:.0} calls a second", served.a_second()));
    }
    short
}

/// Reloads so often.
async fn reload(stage: &Stage, versions: &[Artifact; 2], times: usize, all: &mut Deployed) {
    let admin = stage.admin(0);
    let (half, text) = (versions[0].clone().half(), Artifact::text("this is not a component"));
    for n in 0..times {
        let (component, expected) = match n % BROKEN_EVERY {
            3 => (&half, "carried-over"),
            7 => (&text, "carried-over"),
            // The first version is there at the beginning.
            _ => (&versions[(all.activated + 1) % 2], "activated"),
        };
        stage.place(component);
        let began = Instant::now();
        let reloaded = admin.reload("").await;
        all.took.push(began.elapsed());
        match reloaded.verdicts.get(COMPONENT).map(String::as_str) {
            Some("activated") => all.activated += 1,
            Some("carried-over") => all.refused += 1,
            _ => {}
        }
        if reloaded.verdicts.get(COMPONENT).map(String::as_str) != Some(expected) {
            all.faults.push(format!("reload: not {expected}: {}", reloaded.body));
        }
    }
}

/// The worker's resident memory in KiB; nothing where the system does not tell.
fn resident(stage: &Stage) -> Option<u64> {
    stage.workers[0].resident_kib()
}
