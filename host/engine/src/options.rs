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
    /// How many calls may be under way at once.
    pub call_concurrency: usize,
    /// Whether connections to a worker are kept for further calls. The real server makes a new one for every call.
    pub keep_alive: bool,
    /// The longest the engine waits before it looks at the clock again, so that a laptop which slept, or a clock
    /// that was set, is noticed.
    pub tick: Duration,
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
        }
    }
}
