//! A worker as a service of this machine: what its supervisor is given, and where that lies.

pub(crate) mod launchd;
pub(crate) mod systemd;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a supervisor has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// What it is called, such as `system-bus`.
    pub(crate) name: String,
    /// This program.
    pub(crate) program: PathBuf,
    /// Its arguments, the command first.
    pub(crate) arguments: Vec<String>,
    /// The file with the variables, `NAME=value` a line: keys, which are in no unit.
    pub(crate) environment: PathBuf,
    /// The folder in which it runs.
    pub(crate) folder: PathBuf,
    /// The file that it logs to, where its supervisor keeps none.
    pub(crate) log: PathBuf,
    /// How long it may take to stop.
    pub(crate) stop: Duration,
    /// Whether it is one of the whole machine, and not of one user.
    pub(crate) system: bool,
}

/// A supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Supervisor {
    Systemd,
    Launchd,
}

impl Supervisor {
    /// The one of this system.
    pub(crate) fn own() -> Self {
        if cfg!(target_os = "macos") { Self::Launchd } else { Self::Systemd }
    }

    /// What it is given.
    pub(crate) fn text(self, service: &Service) -> String {
        match self {
            Self::Systemd => systemd::unit(service),
            Self::Launchd => launchd::plist(service),
        }
    }

    /// Where it looks for that; `home` is the user's.
    pub(crate) fn path(self, service: &Service, home: &Path) -> PathBuf {
        let name = &service.name;
        match (self, service.system) {
            (Self::Systemd, true) => format!("/etc/systemd/system/{name}.service").into(),
            (Self::Systemd, false) => home.join(format!(".config/systemd/user/{name}.service")),
            (Self::Launchd, true) => format!("/Library/LaunchDaemons/{name}.plist").into(),
            (Self::Launchd, false) => home.join(format!("Library/LaunchAgents/{name}.plist")),
        }
    }

    /// The commands that start what lies there now, and start it again with the machine.
    pub(crate) fn start(self, service: &Service, path: &Path) -> Vec<Vec<String>> {
        let (name, path) = (&service.name, path.display().to_string());
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Systemd => {
                let systemctl: &[&str] =
                    if service.system { &["systemctl"] } else { &["systemctl", "--user"] };
                vec![
                    words(&[systemctl, &["daemon-reload"]].concat()),
                    words(&[systemctl, &["enable", name]].concat()),
                    words(&[systemctl, &["restart", name]].concat()),
                ]
            }
            Self::Launchd => vec![words(&["launchctl", "bootstrap", &domain(service), &path])],
        }
    }

    /// The commands that have it start anew. They do not wait until what runs has ended: who asks may be a part of that.
    pub(crate) fn restart(self, service: &Service) -> Vec<Vec<String>> {
        let name = &service.name;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Systemd if service.system => {
                vec![words(&["systemctl", "--no-block", "restart", name])]
            }
            Self::Systemd => vec![words(&["systemctl", "--user", "--no-block", "restart", name])],
            Self::Launchd => {
                let target = format!("{}/{name}", domain(service));
                vec![words(&["launchctl", "kickstart", "-k", &target])]
            }
        }
    }

    /// The commands that end it, before its file is removed.
    pub(crate) fn stop(self, service: &Service) -> Vec<Vec<String>> {
        let name = &service.name;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Systemd if service.system => {
                vec![words(&["systemctl", "disable", "--now", name])]
            }
            Self::Systemd => vec![words(&["systemctl", "--user", "disable", "--now", name])],
            Self::Launchd => {
                vec![words(&["launchctl", "bootout", &format!("{}/{name}", domain(service))])]
            }
        }
    }
}

/// Where launchd keeps a service.
fn domain(service: &Service) -> String {
    if service.system { "system".to_owned() } else { format!("gui/{}", user()) }
}

#[cfg(unix)]
fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

#[cfg(not(unix))]
fn user() -> u32 {
    0
}

#[cfg(test)]
mod tests;
