//! The words of the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Publish the image and the components of system-bus, and roll them out on a Kubernetes cluster
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// Answer as JSON: one object on the standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build and push an image, apply the manifests with it, wait, look at a new pod, and go back where that fails
    Image(Box<ImageArgs>),
    /// Push components, name them in the release that workers follow, and wait until all serve them
    Components(ComponentArgs),
    /// Roll out an image that was published before
    Rollback(RollbackArgs),
    /// What was published when
    Log(LogArgs),
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Components(_) => "components",
            Self::Rollback(_) => "rollback",
            Self::Log(_) => "log",
        }
    }
}

/// Where the workers are.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArgs {
    /// The context of the Kubernetes configuration [default: its current one]
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// The namespace
    #[arg(long, value_name = "NAME", default_value = "system-bus")]
    pub(crate) namespace: String,
    /// The workers' Deployment
    #[arg(long, value_name = "NAME", default_value = "system-bus-worker")]
    pub(crate) deployment: String,
    /// The port that workers answer on
    #[arg(long, value_name = "PORT", default_value_t = 3111)]
    pub(crate) port: u16,
    /// How long a roll-out may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "180", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// Where images and components go.
#[derive(Debug, Clone, Args)]
pub(crate) struct RegistryArgs {
    /// The repository, such as registry.example/team/system-bus
    #[arg(long, env = "SYSTEM_BUS_REPOSITORY", value_name = "REPOSITORY")]
    pub(crate) repository: String,
    /// The tag [default: the time, as in 20261124-061500]
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the command line")]
pub(crate) struct ImageArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// For which machines; several as a list
    #[arg(long, value_name = "PLATFORM", default_value = "linux/arm64")]
    pub(crate) platform: String,
    /// What builds: docker, podman or buildah [default: the first of them that is there]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) builder: Option<String>,
    /// The overlay to apply
    #[arg(long, value_name = "DIR", default_value = "k8s/overlays/production")]
    pub(crate) overlay: PathBuf,
    /// Build and push only
    #[arg(long)]
    pub(crate) no_deploy: bool,
    /// Build what was not committed, too
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Take fields that somebody else manages
    #[arg(long)]
    pub(crate) force_conflicts: bool,
    /// Print each step as a command to type, and do nothing
    #[arg(long)]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) log: LogFile,
}

#[derive(Debug, Args)]
pub(crate) struct ComponentArgs {
    /// The folder of built components
    #[arg(value_name = "DIR", default_value = "target/functions")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// The `ConfigMap` that workers follow
    #[arg(long, value_name = "NAME", default_value = "system-bus-release")]
    pub(crate) release: String,
    /// Why, for whoever looks later
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// Take the release from whoever manages it
    #[arg(long)]
    pub(crate) force_conflicts: bool,
    #[command(flatten)]
    pub(crate) log: LogFile,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The tag to go back to [default: the one before, as the log knows it]
    #[arg(long, value_name = "TAG")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) log: LogFile,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// How many, the newest first
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) count: usize,
    #[command(flatten)]
    pub(crate) log: LogFile,
}

/// Where it is noted what was published.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogFile {
    /// The file with what was published
    #[arg(
        long,
        env = "SYSTEM_BUS_PUBLISHED",
        value_name = "FILE",
        default_value = ".system-bus/published.jsonl"
    )]
    pub(crate) log: PathBuf,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let text = text.strip_suffix('s').unwrap_or(text);
    match text.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("a number of seconds, such as 180".to_owned()),
    }
}
