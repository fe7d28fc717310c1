//! The table: interface → capability → roles.
//!
//! The linkers offer what is here and nothing else; a test of `linker` compares the two.

use std::fmt;

use protocol::role::Role;

use super::import::compatible;

/// What a component can touch, as operators and authors speak of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Durable steps: the contract between a component and its host.
    Steps,
    /// Streams and polling, of which other interfaces are made.
    Io,
    /// The time; outside of steps it is the run's.
    Clocks,
    /// Random numbers; outside of steps they come from the run's id.
    Random,
    /// Standard streams and what language runtimes ask for beside them. No environment, no arguments, no input.
    Cli,
    /// Log lines.
    Logging,
    /// Outgoing requests.
    Http,
    /// Files.
    Fs,
    /// Programs of the machine.
    Shell,
    /// A Redis server.
    Redis,
    /// Values by key, wherever the operator keeps them.
    Keyvalue,
    /// Placeholders for secrets.
    Secrets,
    /// Asking a language model.
    Inference,
    /// Telling people.
    Gateway,
    /// Records and spans.
    Telemetry,
    /// Plain settings.
    Config,
}

/// Whether having an interface is enough to use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It reaches nothing outside of the call. Runtimes of languages import it whether they use it or not.
    Ambient,
    /// It reaches something outside, and does so only where an operator allows it.
    Authority,
}

/// Some interfaces of one package.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The package, as in `wasi:http`.
    pub package: &'static str,
    /// Its interfaces, as in `types`.
    pub interfaces: &'static [&'static str],
    /// The version that is offered.
    pub version: &'static str,
    /// What they belong to.
    pub capability: Capability,
    /// Whether an operator has to grant them.
    pub kind: Kind,
    /// Whether they come from a provider, not from the runtime itself.
    pub provided: bool,
}

/// The version of WASI that is offered. Every 0.2 links against it.
const WASI: &str = "0.2.12";

/// The version of the contract in `wit/`.
const CONTRACT: &str = "0.1.0";

/// One version of the settings.
const fn config(interfaces: &'static [&'static str], version: &'static str) -> Row {
    let (package, capability) = ("wasi:config", Capability::Config);
    Row { package, interfaces, version, capability, kind: Kind::Ambient, provided: true }
}

/// Every interface that a worker of any role offers. One that is offered in several versions has several rows, the one
/// to recommend first.
pub const TABLE: &[Row] = &[
    Row {
        package: "system-bus:durable",
        interfaces: &["steps", "blocking", "failures", "refusals"],
        version: CONTRACT,
        capability: Capability::Steps,
        kind: Kind::Ambient,
        provided: false,
    },
    Row {
        package: "wasi:io",
        interfaces: &["error", "poll", "streams"],
        version: WASI,
        capability: Capability::Io,
        kind: Kind::Ambient,
        provided: false,
    },
    Row {
        package: "wasi:clocks",
        interfaces: &["monotonic-clock", "wall-clock"],
        version: WASI,
        capability: Capability::Clocks,
        kind: Kind::Ambient,
        provided: false,
    },
    Row {
        package: "wasi:random",
        interfaces: &["random", "insecure", "insecure-seed"],
        version: WASI,
        capability: Capability::Random,
        kind: Kind::Ambient,
        provided: false,
    },
    Row {
        package: "wasi:cli",
        interfaces: &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
        version: WASI,
        capability: Capability::Cli,
        kind: Kind::Ambient,
        provided: false,
    },
    Row {
        package: "wasi:logging",
        interfaces: &["logging"],
        version: "0.1.0-draft",
        capability: Capability::Logging,
        kind: Kind::Ambient,
        provided: false,
    },
    // Requests are made of these and sent by the next.
    Row {
        package: "wasi:http",
        interfaces: &["types"],
        version: WASI,
        capability: Capability::Http,
        kind: Kind::Ambient,
        provided: false,
    },
    Row {
        package: "wasi:http",
        interfaces: &["outgoing-handler"],
        version: WASI,
        capability: Capability::Http,
        kind: Kind::Authority,
        provided: false,
    },
    // Says why the one above denied something.
    Row {
        package: "system-bus:durable",
        interfaces: &["http-refusals"],
        version: CONTRACT,
        capability: Capability::Http,
        kind: Kind::Ambient,
        provided: false,
    },
    Row {
        package: "wasi:filesystem",
        interfaces: &["types", "preopens"],
        version: WASI,
        capability: Capability::Fs,
        kind: Kind::Authority,
        provided: false,
    },
    Row {
        package: "system-bus:durable",
        interfaces: &["fs-types", "fs-read", "fs-write"],
        version: CONTRACT,
        capability: Capability::Fs,
        kind: Kind::Authority,
        provided: true,
    },
    Row {
        package: "system-bus:durable",
        interfaces: &["shell"],
        version: CONTRACT,
        capability: Capability::Shell,
        kind: Kind::Authority,
        provided: true,
    },
    Row {
        package: "system-bus:durable",
        interfaces: &["redis"],
        version: CONTRACT,
        capability: Capability::Redis,
        kind: Kind::Authority,
        provided: true,
    },
    // Both drafts are deployed, and differ.
    Row {
        package: "wasi:keyvalue",
        interfaces: &["store", "atomics", "batch"],
        version: "0.2.0-draft2",
        capability: Capability::Keyvalue,
        kind: Kind::Authority,
        provided: true,
    },
    Row {
        package: "wasi:keyvalue",
        interfaces: &["store", "atomics", "batch"],
        version: "0.2.0-draft",
        capability: Capability::Keyvalue,
        kind: Kind::Authority,
        provided: true,
    },
    Row {
        package: "system-bus:durable",
        interfaces: &["secrets"],
        version: CONTRACT,
        capability: Capability::Secrets,
        kind: Kind::Authority,
        provided: true,
    },
    Row {
        package: "system-bus:durable",
        interfaces: &["inference"],
        version: CONTRACT,
        capability: Capability::Inference,
        kind: Kind::Authority,
        provided: true,
    },
    Row {
        package: "system-bus:durable",
        interfaces: &["gateway"],
        version: CONTRACT,
        capability: Capability::Gateway,
        kind: Kind::Ambient,
        provided: true,
    },
    Row {
        package: "system-bus:durable",
        interfaces: &["telemetry"],
        version: CONTRACT,
        capability: Capability::Telemetry,
        kind: Kind::Ambient,
        provided: true,
    },
    // Every version that is deployed somewhere. Drafts link with themselves only, so each has a row.
    config(&["store"], "0.2.0-rc.1"),
    config(&["store", "runtime"], "0.2.0-draft"),
    config(&["store"], "0.2.0-draft-2024-09-27"),
];

impl Capability {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 16] = [
        Self::Steps,
        Self::Io,
        Self::Clocks,
        Self::Random,
        Self::Cli,
        Self::Logging,
        Self::Http,
        Self::Fs,
        Self::Shell,
        Self::Redis,
        Self::Keyvalue,
        Self::Secrets,
        Self::Inference,
        Self::Gateway,
        Self::Telemetry,
        Self::Config,
    ];

    /// The one with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }

    /// Its name in reports and grants.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Io => "io",
            Self::Clocks => "clocks",
            Self::Random => "random",
            Self::Cli => "cli",
            Self::Logging => "logging",
            Self::Http => "http",
            Self::Fs => "fs",
            Self::Shell => "shell",
            Self::Redis => "redis",
            Self::Keyvalue => "keyvalue",
            Self::Secrets => "secrets",
            Self::Inference => "inference",
            Self::Gateway => "gateway",
            Self::Telemetry => "telemetry",
            Self::Config => "config",
        }
    }

    /// The roles whose workers may have it. A host may have everything; a cluster, what is the same on each of its
    /// machines.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Fs | Self::Shell => &[Role::Host],
            Self::Steps
            | Self::Io
            | Self::Clocks
            | Self::Random
            | Self::Cli
            | Self::Logging
            | Self::Http
            | Self::Redis
            | Self::Keyvalue
            | Self::Secrets
            | Self::Inference
            | Self::Gateway
            | Self::Telemetry
            | Self::Config => &Role::ALL,
        }
    }

    /// Whether workers of a role may have it.
    pub fn fits(self, role: Role) -> bool {
        self.roles().contains(&role)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Row {
    /// The interfaces' names without their version, such as `wasi:http/types`.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.interfaces.iter().map(|interface| format!("{}/{interface}", self.package))
    }
}

/// Why no row gives what was asked for.
pub(super) enum Missing {
    /// No row has the interface.
    Interface,
    /// There are rows of it, and none has a version that links with the one asked for.
    Version {
        capability: Capability,
        /// The versions there are.
        offered: Vec<&'static str>,
    },
}

/// The row that an import of an interface links against. The interface is named without its version.
pub(super) fn find(interface: &str, asked: Option<&str>) -> Result<&'static Row, Missing> {
    let rows = || TABLE.iter().filter(|row| row.names().any(|name| name == interface));
    if let Some(row) = rows().find(|row| compatible(asked, row.version)) {
        return Ok(row);
    }
    let capability = rows().next().ok_or(Missing::Interface)?.capability;
    let offered = rows().map(|row| row.version).collect();
    Err(Missing::Version { capability, offered })
}

/// How alike two names must be for one to be a misspelling of the other: a quarter may differ. Below this are
/// interfaces that merely share their form, such as `wasi:sockets/tcp` and `wasi:logging/logging`.
const ALIKE: f64 = 0.75;

/// The known interface whose name is nearest, with its version, if any is near.
pub(super) fn nearest(interface: &str) -> Option<String> {
    let known = TABLE.iter().flat_map(|row| row.names().map(move |name| (name, row.version)));
    // Names whose lengths differ by more cannot be alike; comparing takes as long as both are, multiplied.
    let differ = |length: usize| length.abs_diff(interface.len()) * 4 > length.max(interface.len());
    let alike = known.filter(|(name, _)| !differ(name.len())).map(|(name, version)| {
        (strsim::normalized_damerau_levenshtein(interface, &name), name, version)
    });
    // Of equals the first stays: of several versions it is the one to recommend.
    let (alike, name, version) =
        alike.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    (alike >= ALIKE).then(|| format!("{name}@{version}"))
}
