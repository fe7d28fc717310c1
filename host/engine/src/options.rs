//! How an engine is started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use protocol::signature::SigningKey;

/// Where the engine keeps its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// In memory: gone with the engine.
    Memory,
    /// In the file `engine.redb` of this directory, which is made when it is missing.
    Dir(PathBuf),
}

/// How an engine is started. [`Options::default`] is a development server in memory on the usual port.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where to keep state.
    pub data: Data,
    /// Signs calls and guards the API. Without one the engine calls itself a `dev` server and believes everybody.
    pub signing_key: Option<SigningKey>,
    /// Keys that may send events; empty: any key may.
    pub event_keys: Vec<String>,
    /// The pause before each further attempt, instead of the growing table that starts at 15 seconds.
    pub retry_interval: Option<Duration>,
    /// How many calls over HTTP may be under way at once. Over Connect, workers say themselves how many they take.
    pub call_concurrency: usize,
    /// Whether connections to a worker are kept for further calls. The real server makes a new one for every call.
    pub keep_alive: bool,
    /// The longest the engine waits before it looks at the clock again, so that a laptop which slept, or a clock
    /// that was set, is noticed.
    pub tick: Duration,
    /// How workers connect by themselves.
    pub gateway: GatewayOptions,
    /// Who may open the page.
    pub page: PageAccess,
    /// Events that the page offers to send.
    pub samples: Vec<Sample>,
}

/// Who may open the page at the engine's address, and so see all runs, send events, and cancel and repeat runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PageAccess {
    /// Every browser on this machine. Other sites' pages cannot use it.
    #[default]
    Local,
    /// Only somebody who gives the signing key as the password, if the engine has one.
    SigningKey,
}

/// An event that the page offers to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// Its data, as JSON.
    pub data: String,
    /// Where it is from, such as `functions/heartbeat/events/one.json`.
    pub from: String,
}

/// How the Connect gateway works: where workers dial, and its times. The defaults are those of the real server, but
/// for the port and the end. Shorter ones are for tests and drills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayOptions {
    /// Where to listen; a loopback address. Without one it is a free port beside the API: the answer of
    /// `/v0/connect/start` names it, so no worker needs to know it beforehand.
    pub listen: Option<SocketAddr>,
    /// How often workers shall send a heartbeat. After two intervals without one a connection gets no calls until the
    /// next; after five it is cut.
    pub heartbeat_interval: Duration,
    /// How often workers shall extend the lease of each call that they run. The gateway looks at leases as often.
    pub extend_lease_interval: Duration,
    /// How long a worker has a call before it must have extended the lease.
    pub lease: Duration,
    /// How long an expired lease may still be extended. A call that nobody acknowledged is sent again after the lease
    /// and this.
    pub grace: Duration,
    /// How long the session token of `/v0/connect/start` is good for.
    pub session_life: Duration,
    /// How long a stopping engine waits for replies to calls under way. The real server waits for 25 seconds.
    pub drain: Duration,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            listen: None,
            heartbeat_interval: Duration::from_secs(10),
            extend_lease_interval: Duration::from_secs(30),
            lease: Duration::from_mins(2),
            grace: Duration::from_secs(5),
            session_life: Duration::from_mins(5),
            drain: Duration::from_secs(3),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8288)),
            data: Data::Memory,
            signing_key: None,
            event_keys: Vec::new(),
            retry_interval: None,
            call_concurrency: 100,
            keep_alive: false,
            tick: Duration::from_secs(1),
            gateway: GatewayOptions::default(),
            page: PageAccess::default(),
            samples: Vec::new(),
        }
    }
}
