//! Every function of the bus, end to end: an engine, a worker for each role, a real Redis server, real files and
//! processes, and servers and programs that stand in for what is elsewhere.

mod approvals;
mod backups;
mod books;
mod calls;
mod catalogue;
mod commands;
mod content;
mod deliveries;
mod flow;
mod git;
mod healing;
mod health;
mod invoker;
mod kubectl;
mod loops;
mod meetings;
mod memory;
mod models;
mod nas;
mod notifications;
mod programs;
mod registration;
mod runtime;
mod scene;
mod schedules;
mod site;
mod slack;
mod stage;
mod stories;
mod video;

use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Instant;

use tokio::task::LocalSet;

use self::flow::Flow;
use self::scene::Scene;
use self::stage::Stage;
use crate::Figures;

/// Puts what a flow needs on the stage.
type Set = fn(&mut Stage) -> Rc<dyn Flow>;

/// All flows, by the names of their files.
const FLOWS: [(&str, Set); 16] = [
    ("approvals", approvals::set),
    ("backups", backups::set),
    ("books", books::set),
    ("calls", calls::set),
    ("content", content::set),
    ("healing", healing::set),
    ("health", health::set),
    ("loops", loops::set),
    ("meetings", meetings::set),
    ("memory", memory::set),
    ("notifications", notifications::set),
    ("registration", registration::set),
    ("runtime", runtime::set),
    ("slack", slack::set),
    ("stories", stories::set),
    ("video", video::set),
];

/// Functions that are looked at elsewhere: they are samples, and not of the bus.
const SAMPLES: [&str; 3] = ["github-issue-triage", "heartbeat", "check/services"];

/// Plays all flows; or, after `--drill flows`, those that are named.
pub(crate) async fn drill() -> Vec<String> {
    let named: Vec<_> = std::env::args().skip_while(|arg| arg != "flows").skip(1).collect();
    let mut stage = Stage::start().await;
    let components = stage.folder("components");
    build(&components);
    let began = Instant::now();
    let meant = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
    let flows = FLOWS.iter().filter(|(name, _)| meant(name));
    let flows: Vec<_> = flows.map(|(_, set)| set(&mut stage)).collect();
    away_from_the_quarter().await;
    let scene = Rc::new(stage.workers(&components).await);
    let (ready, began) = (began.elapsed(), Instant::now());
    let all = flows.into_iter().map(|flow| perform(Rc::clone(&scene), flow));
    // All on this thread: a flow is a task for its panic's sake, not for speed's.
    let performed = LocalSet::new().run_until(futures::future::join_all(all)).await;

    let mut figures = Figures::of("flows: every function of the bus, end to end");
    let mut short = Vec::new();
    for Performed { name, seconds, fault } in performed {
        let how = if fault.is_some() { "FELL SHORT" } else { "as it should be" };
        figures.add(name, format!("{seconds:>5.1} s  {how}"));
        short.extend(fault.map(|fault| format!("{name}: {fault}")));
    }
    let seen = scene.seen();
    let functions = scene.functions().await;
    let ids = functions.iter().map(|(id, _)| id.as_str()).filter(|id| !SAMPLES.contains(id));
    let unseen: Vec<_> = ids.filter(|id| !seen.contains_key(*id)).collect();
    for role in stage::ROLES {
        let count = functions.iter().filter(|(_, own)| *own == role).count();
        figures.add(&format!("functions on {role}"), count);
    }
    figures.add("functions looked at", seen.len());
    figures.add("functions whose flow is missing", unseen.len());
    figures.add("runs looked at", seen.values().sum::<usize>());
    figures.add("workers and services ready", format!("{:.1} s", ready.as_secs_f64()));
    figures.add("from there to the last flow", format!("{:.1} s", began.elapsed().as_secs_f64()));
    figures.print();
    short.extend(catalogue::check(&components, &scene).await);
    if named.is_empty() {
        short.extend(missing(&unseen));
    }
    short
}

/// What is wrong with there being no flow for these.
fn missing(unseen: &[&str]) -> Option<String> {
    (!unseen.is_empty()).then(|| format!("no flow looks at {}", unseen.join(", ")))
}

/// Schedules begin at quarters of an hour. One that did so while workers start would find half of the stage.
async fn away_from_the_quarter() {
    let into = jiff::Timestamp::now().as_second().rem_euclid(900).unsigned_abs();
    let wait = match into {
        ..5 => 5 - into,
        880.. => 905 - into,
        _ => 0,
    };
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
}

/// How a flow went.
struct Performed {
    name: &'static str,
    seconds: f64,
    fault: Option<String>,
}

/// Plays a flow in a task of its own: one that falls short keeps no other from its end.
async fn perform(scene: Rc<Scene>, flow: Rc<dyn Flow>) -> Performed {
    let (name, began) = (flow.name(), Instant::now());
    let played = tokio::task::spawn_local(async move { flow.play(&scene).await }).await;
    let fault = played.err().map(|error| match error.try_into_panic() {
        Ok(panic) => match panic.downcast::<String>() {
            Ok(words) => *words,
            Err(panic) => panic.downcast_ref::<&str>().map_or("it panicked", |it| *it).to_owned(),
        },
        Err(error) => error.to_string(),
    });
    Performed { name, seconds: began.elapsed().as_secs_f64(), fault }
}

/// Builds all functions as for use into a folder, by the command that users have.
fn build(folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
    command.args(["--json", "build", "--out"]).arg(folder).stdin(Stdio::null());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit());
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
