//! What is looked at by programs of this machine.

use std::time::Duration;

use futures::future::join_all;
use outside::Program;
use system_bus_sdk::Io;

use crate::resolve::Seen;
use crate::settings::Settings;

/// The store of secrets says itself how it is.
pub(super) async fn secrets(io: &Io) -> Seen {
    run(io, Program::new("secrets").arg("health").within(Duration::from_secs(4))).await
}

/// A mount that hangs is as bad as one that is not there.
pub(super) async fn mounts(io: &Io, settings: &Settings) -> Seen {
    let looks = settings.mounts.iter().map(async |path| {
        let stat = Program::new("stat").arg(path).within(Duration::from_secs(5));
        (path, run(io, stat).await)
    });
    let looks = join_all(looks).await;
    let missing = looks.iter().filter(|(_, seen)| !seen.up);
    let missing: Vec<_> = missing.map(|(path, seen)| format!("{path}: {}", seen.detail)).collect();
    if missing.is_empty() {
        return Seen::up(format!("mounted: {}", settings.mounts.join(", ")));
    }
    Seen::down(missing.join("; "))
}

/// The cluster's own word for being ready.
pub(super) async fn kubernetes(io: &Io) -> Seen {
    let within = Duration::from_secs(5);
    run(io, Program::new("kubectl").args(["get", "--raw=/readyz"]).within(within)).await
}

async fn run(io: &Io, program: Program) -> Seen {
    let line = program.line();
    match program.exit(io).await {
        Ok(exit) if exit.code == 0 => Seen::up(format!("`{line}` ended with code 0")),
        Ok(exit) => {
            let said = if exit.stderr.trim().is_empty() { &exit.stdout } else { &exit.stderr };
            let said: String = said.trim().chars().take(200).collect();
            let ended = match exit.code {
                124 => format!("`{line}` did not end in time"),
                code => format!("`{line}` ended with code {code}"),
            };
            Seen::down(if said.is_empty() { ended } else { format!("{ended}: {said}") })
        }
        Err(error) => Seen::down(error.to_string()),
    }
}
