//! The command line: its types, and one module for each command.

pub(crate) mod build;
pub(crate) mod cache;
pub(crate) mod compile;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod events;
pub(crate) mod functions;
pub(crate) mod gateway;
pub(crate) mod generations;
pub(crate) mod grants;
pub(crate) mod inngest;
pub(crate) mod inspect;
pub(crate) mod launch;
pub(crate) mod loops;
pub(crate) mod new;
pub(crate) mod operator;
pub(crate) mod otel;
#[cfg(test)]
mod page;
pub(crate) mod plan;
pub(crate) mod refresh;
pub(crate) mod reload;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod send;
pub(crate) mod service;
pub(crate) mod shell;
pub(crate) mod status;
pub(crate) mod webhooks;
pub(crate) mod worker;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use self::cache::CacheArgs;
pub(crate) use self::deploy::{AccessArgs, DeployArgs, TakeOverArgs};
pub(crate) use self::operator::{Functions, Generations, Grants, Plan, Reach, Reload, Rollback};
use crate::creating::Name;
use crate::records::RecordArgs;
use crate::telemetry::TraceArgs;
use crate::webhooks::WebhookArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use runtime::Limits;
use runtime::http::Destination;
use url::Url;

/// Runs durable functions that are WebAssembly components, for an Inngest server.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    /// Answer on the standard output with one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// A file of settings, for what neither the command line nor the environment says: docs/settings.md
    #[arg(long, global = true, env = "SYSTEM_BUS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) logs: Logs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is logged; always to the standard error.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// What to log, such as `info` or `warn,worker=debug` [default: `info`; less for demo and dev]
    #[arg(long, global = true, env = "SYSTEM_BUS_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// How log lines look
    #[arg(
        long,
        global = true,
        env = "SYSTEM_BUS_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// For programs: one object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the functions, send their sample events, show each step, print the results
    Demo(Demo),
    /// Build functions anew whenever they are saved, and run them on an engine of their own: the edit loop
    Dev(Dev),
    /// Serve a folder of components to an Inngest server (INNGEST_* in the environment)
    Worker(Box<Worker>),
    /// Take webhooks alone: verify them, keep them, and hand their events to an Inngest server
    Gateway(GatewayCommand),
    /// A worker as a service of this machine: of systemd, or of launchd
    Service(service::ServiceCommand),
    /// The development engine alone: for development, demos and tests only
    Engine(Engine),
    /// Make the folder of a new function, with a test and a sample event
    New(New),
    /// Build functions for use, all or one, into the folder that workers load
    Build(Build),
    /// What a worker serves, by role, and what forced each function there
    Functions(Functions),
    /// Tell a worker to take up what is new
    Reload(Reload),
    /// What is active on a worker, what was, and what is still in memory
    Generations(Generations),
    /// What each component imports, what is granted to it and what it has used; exit with 1 where a checked file is wrong
    Grants(Grants),
    /// What deploying would do to functions and their unfinished runs; exit with 3 where it would hurt
    Plan(Plan),
    /// Go back to an earlier generation
    Rollback(Rollback),
    /// Whether the server and workers are well, in one look; exit with 1 where one is not
    Status(status::Status),
    /// The server and its worker, as whoever heals them looks at them and mends them
    Inngest(inngest::Inngest),
    /// What functions have recorded, and workers have warned of
    Otel(otel::Otel),
    /// How far the agent loops are, and what of them runs now
    Loop(loops::Loop),
    /// Have workers tell their server anew what they have
    Refresh(refresh::Refresh),
    /// What is wrong with the server and workers, and what to do; exit with 1 where something is
    Doctor(doctor::Doctor),
    /// The latest runs of the server
    Runs(runs::Runs),
    /// What a run did, step by step; take it home as a file, and replay it against any code
    Run(run::Run),
    /// The latest events of the server
    Events(events::Events),
    /// One event, and the runs that it has begun
    Event(events::Event),
    /// Send an event to the server, with a word where no function listens
    Send(send::Send),
    /// What a gateway of webhooks takes, what waits there, and what could not be sent
    Webhooks(webhooks::Webhooks),
    /// Start one program for the worker that started this (spoken to through the standard input)
    #[command(hide = true)]
    Launch,
    /// Compile one component for the worker that started this (from the standard input to the standard output)
    #[command(hide = true)]
    Compile,
    /// Say what a component is, what it imports, and where it would run
    Inspect(Inspect),
    /// Print what a shell reads to complete these commands
    Completions(shell::Completions),
    /// Write the pages of the manual, one for each command
    Man(shell::Man),
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Dev(_) => "dev",
            Self::Worker(_) => "worker",
            Self::Engine(_) => "engine",
            Self::Gateway(_) => "gateway",
            Self::Webhooks(webhooks) => webhooks.name(),
            Self::New(_) => "new",
            Self::Build(_) => "build",
            Self::Functions(_) => "functions",
            Self::Reload(_) => "reload",
            Self::Generations(_) => "generations",
            Self::Grants(_) => "grants",
            Self::Plan(_) => "plan",
            Self::Rollback(_) => "rollback",
            Self::Status(_) => "status",
            Self::Runs(_) => "runs",
            Self::Run(run) => run.name(),
            Self::Events(_) => "events",
            Self::Event(_) => "event",
            Self::Send(_) => "send",
            Self::Compile => "compile",
            Self::Launch => "launch",
            Self::Inspect(_) => "inspect",
            Self::Inngest(inngest) => inngest.name(),
            Self::Loop(_) => "loop status",
            Self::Otel(otel) => otel.name(),
            Self::Refresh(_) => "refresh",
            Self::Doctor(_) => "doctor",
            Self::Service(service) => service.name(),
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// Where its records are kept, if it is a command that keeps any.
    pub(crate) fn records(&self) -> Option<&RecordArgs> {
        match self {
            Self::Worker(worker) => Some(&worker.records).filter(|it| it.records_limit > 0),
            _ => None,
        }
    }

    /// Where its spans go, and what it calls itself there.
    pub(crate) fn spans(&self) -> Option<(&Url, &'static str)> {
        match self {
            Self::Worker(worker) => Some((worker.traces.otlp.as_ref()?, "system-bus-worker")),
            Self::Gateway(gateway) => Some((gateway.traces.otlp.as_ref()?, "system-bus-gateway")),
            _ => None,
        }
    }

    /// What is logged when nobody says.
    pub(crate) fn default_filter(&self) -> &'static str {
        match self {
            // What guests log would tear the display of steps apart, and the worker may be there before the engine.
            Self::Demo(_) => "warn,guest=error,worker::sync=error",
            // Its lines and its panel share the terminal.
            Self::Dev(_) => "warn,guest=info,worker::sync=error",
            // What a component logs while it describes itself, or in a replay, is not what was asked for.
            Self::Inspect(_) | Self::Run(_) => "error",
            Self::Functions(_)
            | Self::Reload(_)
            | Self::Generations(_)
            | Self::Grants(_)
            | Self::Plan(_)
            | Self::Rollback(_)
            | Self::Service(_)
            | Self::Status(_)
            | Self::Inngest(_)
            | Self::Loop(_)
            | Self::Otel(_)
            | Self::Refresh(_)
            | Self::Doctor(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Runs(_)
            | Self::Events(_)
            | Self::Event(_)
            | Self::Send(_)
            | Self::Webhooks(_) => "warn",
            Self::Worker(_)
            | Self::Gateway(_)
            | Self::Engine(_)
            | Self::New(_)
            | Self::Build(_)
            | Self::Compile
            | Self::Launch => "info",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Load this folder of components instead of building the workspace's functions
    #[arg(long, value_name = "DIR")]
    pub(crate) components: Option<PathBuf>,
    /// Give up when the runs have not ended after this long
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Folders with the sources of functions: of a workspace, of a package, or of several packages [default: ./functions, or
    /// the current package]
    #[arg(value_name = "FOLDER", conflicts_with = "components")]
    pub(crate) folders: Vec<PathBuf>,
    /// Serve this folder of components instead of building any; what changes there is taken up
    #[arg(long, value_name = "DIR")]
    pub(crate) components: Option<PathBuf>,
    /// Build, load and register once, say what came of it, and end: with 1 where the code does not compile or is refused
    #[arg(long, conflicts_with = "components")]
    pub(crate) once: bool,
    /// Do not send the sample events of the functions (events/*.json) at the start
    #[arg(long)]
    pub(crate) no_samples: bool,
    /// Where the development engine listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8288")]
    pub(crate) engine: SocketAddr,
    /// Where the worker for the role host listens; the one for cluster takes the next port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3111")]
    pub(crate) worker: SocketAddr,
    /// Where the engine keeps its state
    #[arg(long, value_name = "DIR", default_value = ".system-bus/dev")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) http: Http,
    #[command(flatten)]
    pub(crate) grants: GrantsArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) deploy: DeployArgs,
    /// Where to listen
    #[arg(
        long,
        env = "SYSTEM_BUS_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:3111"
    )]
    pub(crate) listen: SocketAddr,
    /// Where the worker for the role cluster listens, beside one for host [default: the next port]
    #[arg(long, env = "SYSTEM_BUS_LISTEN_CLUSTER", value_name = "ADDRESS")]
    pub(crate) listen_cluster: Option<SocketAddr>,
    /// The Inngest app to serve; for one role only [default: system-bus-host or system-bus-cluster]
    #[arg(long, env = "INNGEST_APP_ID", value_name = "APP")]
    pub(crate) app: Option<String>,
    /// Whether functions go on while their steps are stored, each as it declares, so that a row of steps takes one call;
    /// otherwise every step is a call of its own
    #[arg(long, env = "SYSTEM_BUS_CHECKPOINTS", value_name = "ON_OR_OFF", default_value = "on", action = clap::ArgAction::Set, value_parser = on_or_off)]
    pub(crate) checkpoints: bool,
    /// The other apps of this system, for functions that invoke one of them by its id alone
    #[arg(
        long = "neighbour",
        env = "SYSTEM_BUS_NEIGHBOURS",
        value_name = "APP",
        value_delimiter = ','
    )]
    pub(crate) neighbours: Vec<String>,
    #[command(flatten)]
    pub(crate) http: Http,
    #[command(flatten)]
    pub(crate) grants: GrantsArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
    #[command(flatten)]
    pub(crate) take_over: TakeOverArgs,
    #[command(flatten)]
    pub(crate) transport: TransportArgs,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    #[command(flatten)]
    pub(crate) traces: TraceArgs,
    /// Register only while this worker holds a Lease of its Kubernetes cluster, as `NAME` or `NAMESPACE/NAME`; the others look
    /// whether the server has what they have. For workers that are called; those that dial are registered by dialling
    #[arg(long, env = "SYSTEM_BUS_LEASE", value_name = "LEASE")]
    pub(crate) lease: Option<cluster::Place>,
    /// Whether webhooks are taken too, at /webhooks/PROVIDER of the first worker's address: docs/webhooks.md
    #[arg(long, env = "SYSTEM_BUS_WEBHOOKS", value_name = "ON_OR_OFF", default_value = "off", action = clap::ArgAction::Set, value_parser = on_or_off)]
    pub(crate) webhooks: bool,
    #[command(flatten)]
    pub(crate) webhook: WebhookArgs,
}

/// A gateway of webhooks, alone.
#[derive(Debug, Args)]
pub(crate) struct GatewayCommand {
    /// Where to listen
    #[arg(
        long,
        env = "SYSTEM_BUS_GATEWAY_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:3113"
    )]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) grants: GrantsArgs,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
    #[command(flatten)]
    pub(crate) webhooks: WebhookArgs,
    #[command(flatten)]
    pub(crate) traces: TraceArgs,
}

/// How calls come to the worker.
#[derive(Debug, Clone, Args)]
pub(crate) struct TransportArgs {
    /// How calls come here: the server dials us, we dial it, or we dial it and answer what dials us too
    #[arg(long, env = "SYSTEM_BUS_TRANSPORT", value_name = "TRANSPORT", default_value = "serve")]
    pub(crate) transport: Transports,
    /// With connect: how many calls run at once [default: as many as there are instances; also
    /// `INNGEST_CONNECT_MAX_WORKER_CONCURRENCY`]
    #[arg(long, value_name = "CALLS")]
    pub(crate) max_concurrency: Option<NonZeroU32>,
    /// With connect: the name of this process among the workers of the app [default: the machine's name and random
    /// digits, which a state folder keeps]
    #[arg(long, env = "SYSTEM_BUS_INSTANCE_ID", value_name = "ID")]
    pub(crate) instance_id: Option<String>,
    /// With connect: a folder to remember calls in that were taken, so that they go on at once after this process was
    /// killed; each worker needs its own [default: none]
    #[arg(long, env = "SYSTEM_BUS_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// How long stopping may take; what runs longer is handed back to the server
    #[arg(long, env = "SYSTEM_BUS_DRAIN", value_name = "TIME", default_value = "25s", value_parser = duration)]
    pub(crate) drain: Duration,
}

/// How calls come to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transports {
    /// The server calls the address we listen on
    Serve,
    /// We dial the server; the address has health only
    Connect,
    /// We dial the server, which registers us; calls to the address are answered too
    Both,
}

/// Where components may send requests.
#[derive(Debug, Args)]
pub(crate) struct Http {
    /// Destinations that steps may send requests to; see [`Destination`].
    #[arg(
        help = "A destination that steps may send requests to: [http:// or https://]host[:port], where host and port may be *",
        long = "allow-http",
        env = "SYSTEM_BUS_ALLOW_HTTP",
        value_name = "DESTINATION",
        value_delimiter = ','
    )]
    pub(crate) allow: Vec<Destination>,
}

/// What components may touch.
#[derive(Debug, Default, Args)]
pub(crate) struct GrantsArgs {
    /// What components may touch, as TOML; see docs/capabilities.md [default: nothing]
    #[arg(long, env = "SYSTEM_BUS_GRANTS", value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
}

/// What one call may use.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Linear memory of one call, in MiB
    #[arg(long, env = "SYSTEM_BUS_MEMORY_MIB", value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) memory_mib: u32,
    /// Time of one call outside of step bodies
    #[arg(long, env = "SYSTEM_BUS_REPLAY_LIMIT", value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) replay_limit: Duration,
    /// Time of one step body
    #[arg(long, env = "SYSTEM_BUS_STEP_LIMIT", value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) step_limit: Duration,
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory: self.memory_mib as usize * (1 << 20),
            replay: self.replay_limit,
            step: self.step_limit,
            ..Limits::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Engine {
    /// Where to listen; a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8288")]
    pub(crate) listen: SocketAddr,
    /// Where to keep state [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The pause before each further attempt, instead of the growing table
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) retry_interval: Option<Duration>,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// How workers connect to the engine by themselves. The times are those of the real server, and shorter for drills.
#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    /// Where workers dial in (Connect); a loopback address [default: a free port, which workers are told]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) gateway_listen: Option<SocketAddr>,
    /// How long a stopping engine waits for calls that run over Connect
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub(crate) drain: Duration,
    /// How often workers send a heartbeat
    #[arg(long, hide = true, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) heartbeat: Duration,
    /// How often workers extend the leases of their calls
    #[arg(long, hide = true, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) extend_lease: Duration,
    /// How long a call is waited for without an extension
    #[arg(long, hide = true, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub(crate) lease: Duration,
    /// How much longer after that
    #[arg(long, hide = true, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(crate) lease_grace: Duration,
    /// How long a worker may dial after it was given leave
    #[arg(long, hide = true, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) session: Duration,
}

impl GatewayArgs {
    pub(crate) fn options(&self) -> ::engine::GatewayOptions {
        ::engine::GatewayOptions {
            listen: self.gateway_listen,
            heartbeat_interval: self.heartbeat,
            extend_lease_interval: self.extend_lease,
            lease: self.lease,
            grace: self.lease_grace,
            session_life: self.session,
            drain: self.drain,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// What it is called: lowercase words with hyphens between them
    #[arg(value_name = "NAME", value_parser = Name::parse)]
    pub(crate) name: Name,
    /// The folder to make its folder in [default: functions/ of the workspace, or the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// The SDK to write it with: a folder with its sources, or a release [default: the workspace's, or that of this program]
    #[arg(long, value_name = "FOLDER_OR_RELEASE")]
    pub(crate) sdk: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// Which function to build, by the name of its package [default: all of the workspace or package]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The folder to put the components into; a relative one lies in the workspace or package
    #[arg(long, value_name = "DIR", default_value = "target/functions")]
    pub(crate) out: PathBuf,
    /// Leave in line tables and names, so that faults name their source line; about four times as large
    #[arg(long)]
    pub(crate) debug: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The component
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Read its imports alone: compile nothing, and do not ask it for its functions
    #[arg(long)]
    pub(crate) no_describe: bool,
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" | "1" => Ok(true),
        "off" | "false" | "0" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let fault = || "write a time such as 500ms, 10s, 5m or 1d".to_owned();
    // A day is 24 hours here: nothing that a worker waits for follows a calendar.
    let parsed: jiff::Span = text.parse().map_err(|_| fault())?;
    let fixed = parsed.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let duration = fixed.ok().and_then(|fixed| Duration::try_from(fixed).ok()).ok_or_else(fault)?;
    if duration.is_zero() { Err(fault()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_times_of_the_gateway_are_the_engines_own_unless_they_are_named() {
        let parsed = |arguments: &[&str]| {
            let cli = Cli::try_parse_from(["system-bus", "engine"].iter().chain(arguments));
            match cli.expect("a command line").command {
                Command::Engine(engine) => engine.gateway.options(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(parsed(&[]), ::engine::GatewayOptions::default());
        let drill = parsed(&["--gateway-listen", "127.0.0.1:8289", "--lease", "2s"]);
        assert_eq!(drill.lease, Duration::from_secs(2));
        assert_eq!(drill.listen.map(|address| address.port()), Some(8289));
    }

    #[test]
    fn times_need_a_unit_and_a_sign_of_life() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1d"), Ok(Duration::from_hours(24)));
        for bad in ["", "10", "0s", "-1s", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
