//! From the rename of a new component into the watched folder to the first call that it serves: when its compiled code is
//! cached, and when it is not. The compiler's own time is beside, for the same component in this process.
//!
//! `cargo bench -p system-bus --bench reload`, and with fewer deploys `… -- --deploys 10`

#![allow(clippy::print_stdout, reason = "it reports to a terminal")]

#[allow(dead_code, reason = "only some answers are looked for here")]
#[path = "../../tests/support/call.rs"]
mod call;
#[allow(dead_code, reason = "nothing is halved here")]
#[path = "../../tests/support/clone.rs"]
mod clone;
#[allow(dead_code, reason = "the worker watches the folder by itself")]
#[path = "../../tests/support/deploy.rs"]
mod deploy;
#[allow(dead_code, reason = "nothing is killed here")]
#[path = "../../tests/support/process.rs"]
mod process;

use std::time::{Duration, Instant};

use self::call::{Answer, LoneRun};
use self::clone::Artifact;
use self::deploy::Folders;
use self::process::{Process, free_address};

/// How many new components each figure is of, unless somebody says.
const DEPLOYS: usize = 100;

/// How long one may take to serve.
const PATIENCE: Duration = Duration::from_mins(1);

const APP: &str = "system-bus-bench";

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--deploys").skip(1);
    let count = arguments.next().map_or(DEPLOYS, |count| count.parse().expect("a number"));
    // Fails when it has been done, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    tokio.block_on(async {
        let (original, function) = Artifact::read(guests::CLONABLE).function("clonable-");
        let versions: Vec<_> = (0..=count)
            .map(|n| original.clone().version(&n.to_string()))
            .collect();
        let size = versions[0].bytes().len();
        println!(
            "From the rename of a new component of {:.2} MiB to the first call that it serves, {count} times:\n\n\
             | code | median | 95 of 100 | worst |\n| --- | ---: | ---: | ---: |",
            f64::from(u32::try_from(size).expect("small")) / f64::from(1 << 20)
        );
        // The second worker shares the first one's cache, and knows none of its versions.
        let cold = Folders::new().with_own_cache();
        print("compiled then", deploys(&cold, &versions, &function).await);
        let warm = Folders::new().with_cache_of(&cold);
        print("cached", deploys(&warm, &versions, &function).await);
        print("(the compiler alone)", compiles(&versions).await);
    });
}

/// Deploys each version but the first to a worker that has the first one; how long each took to serve.
async fn deploys(folders: &Folders, versions: &[Artifact], function: &str) -> Vec<Duration> {
    folders.place(&versions[0], "clonable");
    let arguments = folders.arguments_with("on");
    let listen = free_address().to_string();
    let mut all = vec!["worker", "--role", "cluster", "--app", APP, "--listen", &listen];
    all.extend(["--checkpoints", "off"]);
    all.extend(arguments.iter().map(String::as_str));
    let nobody = format!("http://{}", free_address());
    let worker = Process::start(&all, &[("INNGEST_DEV", &nobody), ("SYSTEM_BUS_LOG", "off")]);
    let client = reqwest::Client::new();
    let mut took = Vec::new();
    for (n, version) in versions.iter().enumerate().skip(1) {
        let renamed = folders.place(version, "clonable");
        served_by(&worker, &client, function, &n.to_string()).await;
        took.push(renamed.elapsed());
    }
    took
}

/// Calls until this version answers.
async fn served_by(worker: &Process, client: &reqwest::Client, function: &str, version: &str) {
    let began = Instant::now();
    loop {
        let run = LoneRun::begin(worker.address, APP, function);
        match run.call(client).await {
            Ok(Answer::Ran(by)) if by == version => return,
            // Code that is replaced while it has a call leaves the step to the next one.
            Ok(Answer::Ran(_) | Answer::Planned(_) | Answer::HandedBack) => {}
            other => panic!("a call failed: {other:?}"),
        }
        assert!(began.elapsed() < PATIENCE, "version {version} does not serve");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Compiles, links and describes each version but the first in this process; how long each took.
async fn compiles(versions: &[Artifact]) -> Vec<Duration> {
    let runtime = runtime::Runtime::new(runtime::Limits::default(), Vec::new()).expect("an engine");
    let mut took = Vec::new();
    for version in &versions[1..] {
        let bytes = version.bytes().to_vec();
        let began = Instant::now();
        runtime::Component::load(&runtime, "clonable", bytes).await.expect("a component");
        took.push(began.elapsed());
    }
    took
}

fn print(code: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |hundredths: usize| took[(took.len() - 1) * hundredths / 100].as_secs_f64() * 1e3;
    println!("| {code} | {:.0} ms | {:.0} ms | {:.0} ms |", at(50), at(95), at(100));
}
