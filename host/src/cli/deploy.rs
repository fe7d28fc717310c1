//! The arguments that say what a worker serves, from where, and who may change it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use protocol::role::Role;
use registry::Percent;
use url::Url;

use super::duration;
use super::operator::percent;

/// What a worker serves, and from where.
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// Which functions to serve: those that need a host, those that fit a cluster, or both, as two workers in one process
    #[arg(long, env = "WORKER_ROLE", value_name = "ROLE", default_value = "both")]
    pub(crate) role: Roles,
    /// The folder of components
    #[arg(
        long,
        env = "SYSTEM_BUS_COMPONENTS",
        value_name = "DIR",
        default_value = "target/functions"
    )]
    pub(crate) components: PathBuf,
    /// Components of an OCI registry, such as registry.example/team/name:tag or …@sha256:…; beside or instead of a folder
    #[arg(long = "oci", env = "SYSTEM_BUS_OCI", value_name = "REFERENCE", value_delimiter = ',')]
    pub(crate) oci: Vec<String>,
    /// Follow a release of a Kubernetes cluster instead of a folder: a `ConfigMap`, as `NAME` or `NAMESPACE/NAME`, that names
    /// components of OCI registries
    #[arg(long, env = "SYSTEM_BUS_RELEASE", value_name = "CONFIGMAP", conflicts_with = "oci")]
    pub(crate) release: Option<cluster::Place>,
    /// How often tags are looked up again
    #[arg(long, env = "SYSTEM_BUS_OCI_EVERY", value_name = "TIME", default_value = "1m", value_parser = duration)]
    pub(crate) oci_every: Duration,
    /// The folder with the activation log and every component that was ever active; workers of one system share it
    #[arg(
        long,
        env = "SYSTEM_BUS_VERSIONS",
        value_name = "DIR",
        default_value = ".system-bus/versions"
    )]
    pub(crate) versions: PathBuf,
    /// How far ahead of its writing an activation takes effect for new runs: longer than the clocks of the workers that
    /// share the versions folder, and of the server, differ
    #[arg(long, env = "SYSTEM_BUS_LEAD", value_name = "TIME", default_value = "250ms", value_parser = any_duration)]
    pub(crate) lead: Duration,
    /// Whether changes of the folder and of tags are taken up by themselves; otherwise only by `reload`
    #[arg(long, env = "SYSTEM_BUS_WATCH", value_name = "ON_OR_OFF", default_value = "on", action = clap::ArgAction::Set, value_parser = super::on_or_off)]
    pub(crate) watch: bool,
    /// Give what is taken up by itself to this share of the runs that begin, as a canary that is judged
    #[arg(long, env = "SYSTEM_BUS_CANARY", value_name = "PERCENT", value_parser = percent)]
    pub(crate) canary: Option<Percent>,
    /// When canaries are promoted or rolled back: a TOML file [default: the policy of docs/deploying.md]
    #[arg(long, env = "SYSTEM_BUS_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// How long calls may go on with code that newer code has replaced
    #[arg(long, env = "SYSTEM_BUS_OLD_CODE", value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub(crate) old_code: Duration,
    /// How many of the last versions of each function to keep in the versions folder, whatever their age
    #[arg(long, env = "SYSTEM_BUS_KEEP_VERSIONS", value_name = "N", default_value_t = 5)]
    pub(crate) keep_versions: usize,
    /// How long to keep further versions there, after they were last active; those that unfinished runs may need stay
    #[arg(long, env = "SYSTEM_BUS_KEEP_FOR", value_name = "TIME", default_value = "168h", value_parser = any_duration)]
    pub(crate) keep_for: Duration,
    /// How much the versions folder may hold; a deploy that needs more is refused
    #[arg(long, env = "SYSTEM_BUS_VERSIONS_LIMIT", value_name = "SIZE", default_value = "10GiB", value_parser = super::cache::bytes)]
    pub(crate) versions_limit: u64,
}

/// Who may change what is served.
#[derive(Debug, Args)]
pub(crate) struct AccessArgs {
    /// Whether callers on this machine need no token where one is set
    #[arg(long, env = "SYSTEM_BUS_ADMIN_LOOPBACK", value_name = "ON_OR_OFF", default_value = "off", action = clap::ArgAction::Set, value_parser = super::on_or_off)]
    pub(crate) admin_loopback: bool,
}

/// Taking over from a worker that runs.
#[derive(Debug, Args)]
pub(crate) struct TakeOverArgs {
    /// A worker of the same app to take over from: once this one is registered, that one answers what it has and ends
    #[arg(long, value_name = "URL")]
    pub(crate) replace: Vec<Url>,
}

/// Roles to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Roles {
    /// Functions that need a host
    Host,
    /// Functions that fit a cluster
    Cluster,
    /// Both
    Both,
}

impl Roles {
    pub(crate) fn each(self) -> &'static [Role] {
        match self {
            Self::Host => &[Role::Host],
            Self::Cluster => &[Role::Cluster],
            Self::Both => &Role::ALL,
        }
    }
}

/// A time that may be none.
fn any_duration(text: &str) -> Result<Duration, String> {
    if ["0", "0s", "0ms"].contains(&text) { Ok(Duration::ZERO) } else { duration(text) }
}
