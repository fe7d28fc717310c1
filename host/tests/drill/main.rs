//! The drills: the program under misfortune, with figures. Run one with `just drill recover`, and so on: [`DRILLS`].
//!
//! Each prints what it measured at its end and fails when it falls short.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are what drills are for")]

#[path = "../support/call.rs"]
mod call;
#[path = "../support/clone.rs"]
mod clone;
#[path = "../support/counter.rs"]
mod counter;
#[path = "../support/deploy.rs"]
mod deploy;
#[path = "../support/edited.rs"]
mod edited;
#[path = "../support/gateway_proxy.rs"]
mod gateway_proxy;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/server.rs"]
mod server;
mod store;
#[path = "../suite/suite.rs"]
mod suite;

mod address;
mod canary;
mod chaos;
mod connect;
mod edit;
mod engine;
mod escapes;
mod flows;
mod gateway;
mod hostile;
mod outage;
mod pinning;
mod recover;
mod reload;
mod rollout;
mod stage;
mod surface;
mod takeover;

use std::process::ExitCode;

use self::patience::{PATIENCE, eventually};

/// The drills there are.
const DRILLS: [&str; 16] = [
    "recover", "hostile", "connect", "surface", "reload", "pinning", "canary", "takeover",
    "escapes", "outage", "engine", "edit", "gateway", "flows", "rollout", "chaos",
];

/// How much a drill does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    /// What it is about: when it is asked for by its name.
    Full,
    /// Enough to see that it holds: as one test among others.
    Brief,
}

impl Size {
    fn pick<T>(self, full: T, brief: T) -> T {
        match self {
            Self::Full => full,
            Self::Brief => brief,
        }
    }
}

/// Which drills are meant: the one after `--drill`; or, as for any test, those whose names hold a given word; or all but
/// `surface`, which is the end-to-end tests over again.
fn wanted() -> Result<Vec<&'static str>, String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == "--drill") {
        let name = args.get(at + 1).map_or("", String::as_str);
        let found = DRILLS.iter().find(|drill| **drill == name);
        return found
            .map(|drill| vec![*drill])
            .ok_or_else(|| format!("there is no drill {name:?}; there are {}", DRILLS.join(", ")));
    }
    let words: Vec<_> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let meant = |drill: &&str| {
        if words.is_empty() {
            *drill != "surface"
        } else {
            words.iter().any(|word| drill.contains(word.as_str()))
        }
    };
    Ok(DRILLS.into_iter().filter(meant).collect())
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(fault) => {
            eprintln!("{fault}");
            return ExitCode::from(2);
        }
    };
    let named = std::env::args().any(|arg| arg == "--drill");
    let size = if named { Size::Full } else { Size::Brief };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let mut short = Vec::new();
        for drill in wanted {
            short.extend(perform(drill, size).await);
        }
        if short.is_empty() {
            return ExitCode::SUCCESS;
        }
        for fault in short {
            eprintln!("fell short: {fault}");
        }
        ExitCode::FAILURE
    })
}

/// Performs a drill; in what it fell short.
async fn perform(drill: &str, size: Size) -> Vec<String> {
    match drill {
        "recover" => recover::drill().await,
        "hostile" => hostile::drill().await,
        "connect" => connect::drill(size).await,
        "surface" => surface::drill().await,
        "reload" => reload::drill(size).await,
        "pinning" => pinning::drill(size).await,
        "canary" => canary::drill(size).await,
        "takeover" => takeover::drill(size).await,
        "escapes" => escapes::drill(size).await,
        "outage" => outage::drill(size).await,
        "edit" => edit::drill(size).await,
        "engine" => engine::drill(size).await,
        "gateway" => gateway::drill(size).await,
        "flows" => flows::drill().await,
        "chaos" => chaos::drill(size).await,
        "rollout" => rollout::drill(size).await,
        other => unreachable!("{other} is not among the drills"),
    }
}

/// The figures of a drill, printed in one block.
struct Figures(Vec<(String, String)>);

impl Figures {
    fn of(drill: &str) -> Self {
        Self(vec![("drill".to_owned(), drill.to_owned())])
    }

    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    fn print(&self) {
        for (name, value) in &self.0 {
            println!("{name:<44} {value}");
        }
        println!();
    }
}
