//! What a worker that connects is told.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

/// By which transports a worker gets its calls.
#[derive(Debug, Clone)]
pub enum Transport {
    /// The server calls an address of ours.
    Serve,
    /// We dial the server; on our address there is health and nothing else.
    Connect(ConnectOptions),
    /// We dial the server and are registered by that; calls that reach our address are answered too.
    Both(ConnectOptions),
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Who we are among the workers of the app.
    pub instance: InstanceId,
    /// The gateway's WebSocket URL, where the one that the server names cannot be reached from here.
    pub gateway: Option<Url>,
    /// How many calls run at once; the server holds further ones back.
    pub concurrency: NonZeroU32,
    /// Where to remember calls that were taken, in case this process is killed; nowhere when there is none.
    pub state_dir: Option<PathBuf>,
    /// How long the gateway may take to say that it has stored a reply, before the reply goes another way.
    pub reply_ack: Duration,
}

/// A name of one process that it has at each of its connections and no other process has: the server counts capacity by
/// it.
///
/// ```
/// use worker::connect::InstanceId;
///
/// let id: InstanceId = "mac-mini-1".parse().unwrap();
/// assert_eq!(id.to_string(), "mac-mini-1");
/// assert!("a/b".parse::<InstanceId>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceId(String);

/// Why a text is not an instance id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an instance id is 1 to 128 ASCII letters, digits and any of - _ . and begins with a letter or digit, not {0:?}"
)]
pub struct InstanceIdError(String);

impl FromStr for InstanceId {
    type Err = InstanceIdError;

    fn from_str(text: &str) -> Result<Self, InstanceIdError> {
        // It names files too.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if text.len() <= 128 && begins && text.chars().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InstanceIdError(text.chars().take(80).collect()))
        }
    }
}

impl InstanceId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
