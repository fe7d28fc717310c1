//! The way to the NAS: over its mount, or over the network where the mount fails.

mod verdict;

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::commands::{Commands, problem};

pub(crate) use self::verdict::{Limits, can_pass, wait};

/// Where backups are on the NAS itself.
const REMOTE_ROOT: &str = "/volume1/joelclaw/backups/typesense";

/// By which way.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Over the mount.
    Local,
    /// Over the network.
    Remote,
}

/// One attempt to reach the NAS. What the next one needs is in it, so that a replay goes on with it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Which attempt, from 1.
    pub number: u32,
    /// By which way.
    pub mode: Mode,
    /// Where to.
    pub destination: String,
    /// Whether all of it arrived.
    pub ok: bool,
    /// Why not.
    pub error: Option<String>,
    /// When the first attempt began, in milliseconds since 1970.
    pub first_at: i64,
    /// By which way the next one goes.
    pub next_mode: Mode,
    /// How long to wait before it; none where there is no next one.
    pub wait_ms: Option<u64>,
}

impl Mode {
    fn other(self) -> Self {
        match self {
            Self::Local => Self::Remote,
            Self::Remote => Self::Local,
        }
    }
}

/// Tries it once. A NAS that cannot be reached is an answer, and no failure of the step.
pub(crate) async fn attempt(
    io: &Io,
    date: &str,
    stage: &str,
    before: Option<&Attempt>,
    run: &str,
) -> Result<Attempt> {
    let commands = Commands::of(io);
    let settings = &commands.settings;
    let now = Timestamp::now().as_millisecond();
    let first_at = before.map_or(now, |before| before.first_at);
    let number = before.map_or(1, |before| before.number + 1);
    let preferred = if settings.prefer_remote { Mode::Remote } else { Mode::Local };
    let mode = before.map_or(preferred, |before| before.next_mode);
    let destination = match mode {
        Mode::Local => format!("{}/backups/typesense/{date}", settings.hdd_root),
        Mode::Remote => format!("{REMOTE_ROOT}/{date}"),
    };
    let sent = match mode {
        Mode::Local => over_mount(&commands, stage, &destination, run).await?,
        Mode::Remote => over_network(&commands, stage, &destination, run).await?,
    };
    let mut result = Attempt {
        number,
        mode,
        destination,
        ok: sent.is_none(),
        error: sent,
        first_at,
        next_mode: mode,
        wait_ms: None,
    };
    let Some(error) = &result.error else { return Ok(result) };
    log::warn!("attempt {number} to reach the NAS: {error}");
    if can_pass(error) {
        let limits = Limits::of(settings);
        let since = u64::try_from(Timestamp::now().as_millisecond() - first_at).unwrap_or(0);
        result.wait_ms = wait(&limits, number, since, run);
        if result.wait_ms.is_some() && answers(&commands, mode.other()).await? {
            result.next_mode = mode.other();
        }
    }
    Ok(result)
}

/// Copies over the mount; what went wrong.
async fn over_mount(
    commands: &Commands<'_>,
    stage: &str,
    destination: &str,
    run: &str,
) -> Result<Option<String>> {
    // Without its mount the folder would be made on this machine, and the backup with it.
    let root = commands.settings.hdd_root.clone();
    let probe = format!("{destination}/.probe-{run}");
    let lines: [&[&str]; 5] = [
        &["stat", &root],
        &["mkdir", "-p", destination],
        &["touch", &probe],
        &["rm", "-f", &probe],
        &["rsync", "-az", &format!("{stage}/"), &format!("{destination}/")],
    ];
    for line in lines {
        if let Some(problem) = problem(&commands.run(line[0], &line[1..]).await?, line[0]) {
            let away = if line[0] == "stat" { "the mount is unavailable: " } else { "" };
            return Ok(Some(format!("{away}{problem}")));
        }
    }
    Ok(None)
}

/// Copies over the network; what went wrong.
async fn over_network(
    commands: &Commands<'_>,
    stage: &str,
    destination: &str,
    run: &str,
) -> Result<Option<String>> {
    let probe = format!("{destination}/.probe-{run}");
    let lines: [&[&str]; 3] =
        [&["mkdir", "-p", destination], &["touch", &probe], &["rm", "-f", &probe]];
    for line in lines {
        if let Some(problem) = problem(&commands.on_nas(line).await?, "ssh") {
            return Ok(Some(problem));
        }
    }
    let settings = &commands.settings;
    let (from, to) = (format!("{stage}/."), format!("{}:{destination}", settings.ssh_host));
    let flags = settings.ssh_flags.iter().map(String::as_str);
    let words: Vec<&str> = flags.chain(["-r", &from, &to]).collect();
    Ok(problem(&commands.run("scp", &words).await?, "scp"))
}

/// Whether the NAS can be reached this way.
async fn answers(commands: &Commands<'_>, mode: Mode) -> Result<bool> {
    let ran = match mode {
        Mode::Local => commands.run("stat", &[&commands.settings.hdd_root]).await?,
        Mode::Remote => commands.on_nas(&["true"]).await?,
    };
    Ok(ran.code == 0)
}
