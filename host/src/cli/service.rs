//! `service`: a worker that starts with the machine, and again when it fails.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use super::{Cli, Command};
use crate::answer;
use crate::service::{Service, Supervisor};

/// What a supervisor waits for beyond the worker's own patience: replies on their way, and files.
const BEYOND: Duration = Duration::from_secs(10);

/// What is done with a service.
#[derive(Debug, Args)]
pub(crate) struct ServiceCommand {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Print what the supervisor would be given
    Print(Of),
    /// Write that, and start the service now and with the machine
    Install(Install),
    /// End the service, and remove its file
    Uninstall(Named),
}

/// Which service.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// What the service is called
    #[arg(long, value_name = "NAME", default_value = "system-bus", value_parser = name)]
    pub(crate) name: String,
    /// The supervisor [default: that of this system]
    #[arg(long, value_name = "SUPERVISOR")]
    pub(crate) supervisor: Option<Supervisor>,
    /// For the whole machine, and not for this user; writes where only root may
    #[arg(long)]
    pub(crate) system: bool,
}

/// Which service, of which worker.
#[derive(Debug, Args)]
pub(crate) struct Of {
    #[command(flatten)]
    pub(crate) named: Named,
    /// The file with the variables of the worker, keys among them [default: ~/.config/system-bus.env]
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// The folder in which it runs [default: this one]
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// What the worker is started with, as after `system-bus worker`
    #[arg(last = true, value_name = "WORKER ARGUMENTS")]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Only write the file, and say what would start the service
    #[arg(long)]
    pub(crate) no_start: bool,
}

#[derive(Serialize)]
struct Report {
    name: String,
    path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The commands that were run, or are to be run.
    commands: Vec<String>,
    ran: bool,
}

impl ServiceCommand {
    /// What it is called in answers.
    pub(crate) fn name(&self) -> &'static str {
        match self.what {
            What::Print(_) => "service print",
            What::Install(_) => "service install",
            What::Uninstall(_) => "service uninstall",
        }
    }
}

pub(crate) fn run(args: ServiceCommand, json: bool) -> anyhow::Result<ExitCode> {
    let command = args.name();
    let home = home()?;
    match args.what {
        What::Print(of) => {
            let (service, supervisor) = of.service(&home)?;
            let (text, path) = (supervisor.text(&service), supervisor.path(&service, &home));
            let commands = lines(&supervisor.start(&service, &path));
            let words = text.trim_end().to_owned();
            let report =
                Report { name: service.name, path, text: Some(text), commands, ran: false };
            Ok(answer::result(json, command, true, &report, &words))
        }
        What::Install(install) => {
            let (service, supervisor) = install.of.service(&home)?;
            let path = supervisor.path(&service, &home);
            write(&path, &supervisor.text(&service))?;
            if let Some(logs) = service.log.parent() {
                std::fs::create_dir_all(logs).with_context(|| logs.display().to_string())?;
            }
            let start = supervisor.start(&service, &path);
            if !install.no_start {
                run_all(&start)
                    .context("the service was not started; --no-start leaves that to you")?;
            }
            let (commands, ran) = (lines(&start), !install.no_start);
            let next = if ran { "started" } else { "start it" };
            let words = format!("{}\n{next}: {}", path.display(), commands.join("; "));
            let report = Report { name: service.name, path, text: None, commands, ran };
            Ok(answer::result(json, command, true, &report, &words))
        }
        What::Uninstall(named) => {
            let supervisor = named.supervisor();
            let service = named.bare();
            let path = supervisor.path(&service, &home);
            if !path.exists() {
                bail!("there is no service {} at {}", service.name, path.display());
            }
            let stop = supervisor.stop(&service);
            // A service that does not run, or a supervisor that is away, keeps nobody from removing it.
            let ran = run_all(&stop);
            if let Err(error) = &ran {
                tracing::warn!("the service was not ended: {error:#}");
            }
            std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
            let words = format!("removed {}", path.display());
            let report = Report {
                name: service.name,
                path,
                text: None,
                commands: lines(&stop),
                ran: ran.is_ok(),
            };
            Ok(answer::result(json, command, true, &report, &words))
        }
    }
}

impl Named {
    pub(super) fn supervisor(&self) -> Supervisor {
        self.supervisor.unwrap_or_else(Supervisor::own)
    }

    /// Enough of a service to find and end it.
    pub(super) fn bare(&self) -> Service {
        Service {
            name: self.name.clone(),
            program: PathBuf::new(),
            arguments: Vec::new(),
            environment: PathBuf::new(),
            folder: PathBuf::new(),
            log: PathBuf::new(),
            stop: Duration::ZERO,
            system: self.system,
        }
    }
}

impl Of {
    fn service(self, home: &Path) -> anyhow::Result<(Service, Supervisor)> {
        let supervisor = self.named.supervisor();
        let drain = drain(&self.arguments)?;
        let here = std::env::current_dir().context("this folder cannot be read")?;
        let folder = here.join(self.folder.unwrap_or_default());
        let environment = match self.env_file {
            Some(file) => here.join(file),
            None => home.join(".config/system-bus.env"),
        };
        let logs = if self.named.system { "/var/log".into() } else { home.join(".local/log") };
        let log = match supervisor {
            Supervisor::Launchd if !self.named.system => home.join("Library/Logs"),
            _ => logs,
        };
        let service = Service {
            program: std::env::current_exe().context("where this program is, is not known")?,
            arguments: ["--log-format", "json", "worker"]
                .into_iter()
                .map(str::to_owned)
                .chain(self.arguments)
                .collect(),
            environment,
            folder,
            log: log.join(format!("{}.log", self.named.name)),
            stop: drain + BEYOND,
            ..self.named.bare()
        };
        Ok((service, supervisor))
    }
}

/// How long a worker with these arguments takes to stop; wrong ones are refused here, and not by the service at night.
fn drain(arguments: &[String]) -> anyhow::Result<Duration> {
    let words = ["system-bus", "worker"].into_iter().chain(arguments.iter().map(String::as_str));
    match Cli::try_parse_from(words) {
        Ok(Cli { command: Command::Worker(worker), .. }) => Ok(worker.transport.drain),
        Ok(_) => bail!("these are no arguments of a worker: {}", arguments.join(" ")),
        Err(error) => {
            let said = error.render().to_string();
            bail!("a worker would not start with these arguments: {}", said.trim())
        }
    }
}

pub(super) fn home() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from).context("HOME is not set; set it to the folder of the user")
}

/// Names that every supervisor takes.
fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty()
        || text.starts_with(['-', '.'])
        || !text.chars().all(plain)
        || text.len() > 80
    {
        return Err(format!("{text:?} is no name of a service; write letters, digits, - _ and ."));
    }
    Ok(text.to_owned())
}

/// Writes a file that is there as a whole or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;

    let what = || format!("{} cannot be written", path.display());
    let folder = path.parent().with_context(what)?;
    std::fs::create_dir_all(folder).with_context(what)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(what)?;
    file.write_all(text.as_bytes()).with_context(what)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(mode).with_context(what)?;
    }
    file.persist(path).with_context(what)?;
    Ok(())
}

/// Runs commands, one after another.
pub(super) fn run_all(commands: &[Vec<String>]) -> anyhow::Result<()> {
    for words in commands {
        let line = words.join(" ");
        let output = Process::new(&words[0]).args(&words[1..]).output();
        let output = output.with_context(|| format!("`{line}` cannot be run"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{line}` failed: {}", said.trim());
        }
    }
    Ok(())
}

fn lines(commands: &[Vec<String>]) -> Vec<String> {
    commands.iter().map(|words| words.join(" ")).collect()
}
