//! The gateway: a process that says in files which one it is and where it listens.

use std::time::Duration;

use outside::{Folder, Program};
use system_bus_sdk::Io;

use crate::resolve::Seen;
use crate::settings::Settings;

/// The folder with the files, as the operator grants it.
const ROOT: &str = "gateway";
/// What it answers to a request that opens no socket.
const UPGRADE_REQUIRED: u16 = 426;

pub(super) async fn look(io: &Io, settings: &Settings) -> Seen {
    match try_look(io, settings).await {
        Ok(detail) => Seen::up(detail),
        Err(detail) => Seen::down(detail),
    }
}

async fn try_look(io: &Io, settings: &Settings) -> Result<String, String> {
    // A number above 1: signals to 0, to -1 and to process groups are other things.
    let pid = number(io, "gateway.pid")?;
    let pid =
        u32::try_from(pid).ok().filter(|pid| *pid > 1).ok_or("gateway.pid names no process")?;
    let kill = Program::new("kill").args(["-0", &pid.to_string()]).within(Duration::from_secs(3));
    let alive = kill.exit(io).await.map_err(|error| error.to_string())?;
    if alive.code != 0 {
        return Err(format!("there is no process {pid}"));
    }
    let port = number(io, "gateway.ws.port")?;
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let port = port.ok_or("gateway.ws.port names no port")?;
    let url = format!("http://{}:{port}/", settings.gateway);
    let request = io.http().get(&url).redirects(0).timeout(settings.patience);
    let answer = request.send().await.map_err(|error| error.to_string())?;
    if answer.status != UPGRADE_REQUIRED {
        return Err(format!("{url} answered with status {}, expected 426", answer.status));
    }
    Ok(format!("process {pid} listens at {url}"))
}

fn number(io: &Io, file: &str) -> Result<u64, String> {
    let text = Folder::of(io, ROOT).read(file).map_err(|error| error.to_string())?;
    text.trim().parse().map_err(|_| format!("{file} holds no number"))
}
