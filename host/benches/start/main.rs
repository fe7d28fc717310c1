//! A worker with many components: from the start of the process until it answers, with code that is cached, and its memory
//! when it then has nothing to do.
//!
//! `cargo bench -p system-bus --bench start`
//!
//! `-- --make FOLDER` makes the components and nothing else, for `benches/peer`; `--count N` says how many.

#![allow(clippy::print_stdout, reason = "it reports to a terminal")]

#[allow(dead_code, reason = "nothing is overwritten in turn here")]
#[path = "../../tests/support/clone.rs"]
mod clone;
#[allow(dead_code, reason = "nothing is deployed here")]
#[path = "../../tests/support/deploy.rs"]
mod deploy;
#[allow(dead_code, reason = "nothing is killed here")]
#[path = "../../tests/support/process.rs"]
mod process;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::clone::Artifact;
use self::deploy::Folders;
use self::process::{Process, free_address};

/// How many components there are unless somebody says.
const COMPONENTS: usize = 110;

/// How often the worker is started.
const STARTS: usize = 20;

/// How long a worker has nothing to do before its memory is read.
const REST: Duration = Duration::from_secs(2);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")))
    };
    let count = after("--count").map_or(COMPONENTS, |count| count.parse().expect("a number"));
    if let Some(folder) = after("--make").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        make(&folder, count);
        println!("{count} components in {}", folder.display());
        return;
    }
    let folders = Folders::new().with_own_cache();
    make(&folders.components(), count);
    let first = start(&folders, count);
    println!(
        "{count} components; the first start compiled them in {:.2} s",
        first.ready.as_secs_f64()
    );
    let mut starts: Vec<_> = (0..STARTS).map(|_| start(&folders, count)).collect();
    starts.sort_by_key(|start| start.ready);
    let memory = starts.iter().map(|start| start.resident_kib).max().unwrap_or_default();
    let millis = |start: &Start| start.ready.as_secs_f64() * 1e3;
    println!(
        "{STARTS} starts with cached code, from the start of the process until it is ready: median {:.0} ms, worst \
         {:.0} ms; idle memory at most {:.1} MiB",
        millis(&starts[starts.len() / 2]),
        millis(&starts[starts.len() - 1]),
        f64::from(u32::try_from(memory).unwrap_or(u32::MAX)) / 1024.0,
    );
}

/// Components that differ in their function and in their bytes.
fn make(folder: &Path, count: usize) {
    let original = Artifact::read(guests::CLONABLE);
    for n in 0..count {
        let name = format!("clone-{n:03}-");
        let (component, _) = original.clone().version(&n.to_string()).function(&name);
        component.place(folder, name.trim_end_matches('-'));
    }
}

struct Start {
    ready: Duration,
    resident_kib: u64,
}

/// Starts a worker, lets it rest, ends it.
fn start(folders: &Folders, count: usize) -> Start {
    let arguments = folders.arguments();
    let listen = free_address().to_string();
    let mut all = vec!["worker", "--role", "cluster", "--listen", &listen];
    all.extend(arguments.iter().map(String::as_str));
    // Nobody is there to be told of the functions.
    let nobody = format!("http://{}", free_address());
    let began = Instant::now();
    let worker = Process::start(&all, &[("INNGEST_DEV", &nobody), ("SYSTEM_BUS_LOG", "off")]);
    let ready = began.elapsed();
    assert_eq!(worker.up["functions"], count, "all are served: {}", worker.up);
    std::thread::sleep(REST);
    Start { ready, resident_kib: worker.resident_kib().unwrap_or_default() }
}
