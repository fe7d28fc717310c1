//! The drills: the program under misfortune, with figures. Run one with `just drill recover`, and so on: [`DRILLS`].
//!
//! Each prints what it measured at its end and fails when it falls short.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are what drills are for")]

#[path = "../support/counter.rs"]
mod counter;
#[path = "../support/gateway_proxy.rs"]
mod gateway_proxy;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/server.rs"]
mod server;
#[path = "../suite/suite.rs"]
mod suite;

mod connect;
mod hostile;
mod recover;
mod surface;

use std::process::ExitCode;

use self::patience::{PATIENCE, eventually};

/// The drills there are.
const DRILLS: [&str; 4] = ["recover", "hostile", "connect", "surface"];

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
    let wants = |drill: &str| wanted.contains(&drill);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let mut short = Vec::new();
        if wants("recover") {
            short.extend(recover::drill().await);
        }
        if wants("hostile") {
            short.extend(hostile::drill().await);
        }
        if wants("connect") {
            // Asked for by name it takes its time.
            let size = if std::env::args().any(|arg| arg == "--drill") {
                connect::Size::Full
            } else {
                connect::Size::Brief
            };
            short.extend(connect::drill(size).await);
        }
        if wants("surface") {
            short.extend(surface::drill().await);
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
