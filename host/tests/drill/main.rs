//! The drills: the program under misfortune, with figures. Run one with `just drill recover` or `just drill hostile`.
//!
//! Each prints what it measured at its end and fails when it falls short.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are what drills are for")]

#[path = "../support/counter.rs"]
mod counter;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/server.rs"]
mod server;

mod hostile;
mod recover;

use std::process::ExitCode;

use self::patience::{PATIENCE, eventually};

fn main() -> ExitCode {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wants = |drill: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == drill);
    if let Some(unknown) =
        wanted.iter().find(|wanted| !["recover", "hostile"].contains(&wanted.as_str()))
    {
        eprintln!("there is no drill {unknown:?}; there are recover and hostile");
        return ExitCode::from(2);
    }
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
