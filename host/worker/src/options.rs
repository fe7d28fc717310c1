//! What a worker is told about itself and its server. Plain values: reading the environment is the binary's work.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::crypt::Vault;
use protocol::id::AppId;
use protocol::introspect::Capabilities;
use protocol::role::Role;
use protocol::signature::Trust;
use tokio::sync::watch;
use url::Url;

use crate::StartError;
use crate::admin::Access;
use crate::connect::Transport;

/// What a worker is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which functions it serves: those whose home is this role.
    pub role: Role,
    /// Who may use the routes for operators.
    pub access: Access,
    /// The Inngest app it serves.
    pub app: AppId,
    /// The app's version as the server shows it.
    pub app_version: Option<String>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whom to believe.
    pub trust: Trust,
    /// The key for sending events; a development server takes any.
    pub event_key: Option<String>,
    /// Where the server's API is.
    pub api_origin: Url,
    /// Where events are sent.
    pub event_api_origin: Url,
    /// Branch environment.
    pub env: Option<String>,
    /// Under which origin the server reaches us; by default the address listened on.
    pub serve_origin: Option<Url>,
    /// Under which path.
    pub serve_path: Option<String>,
    /// Whether a server may ask for the functions and take them from the answer.
    pub in_band_sync: bool,
    /// Encrypts what the server stores of runs; none where it stays readable there.
    pub vault: Option<Arc<Vault>>,
    /// The largest body of a call, in bytes. The server's own bodies stay below 4 MiB.
    pub body_limit: usize,
    /// Whether functions may go on while their steps are stored, each as it declares; otherwise every step is a call.
    pub checkpoints: bool,
    /// The other apps of this system: a function that is invoked by its id alone is looked for among theirs.
    pub neighbours: Vec<AppId>,
    /// How often to ask whether the server still has our functions.
    pub look_again: Duration,
    /// Whether this worker is the one among its equals that registers their app; none where each does. One that is not
    /// looks whether the server has what it has itself, and registers only where an operator asks for it.
    pub elected: Option<watch::Receiver<bool>>,
    /// How calls come here.
    pub transport: Transport,
    /// How long a worker that stops may take. For most of that time running calls may finish; those that can be handed
    /// back to the server then are.
    pub drain: Duration,
}

/// The path of the protocol's endpoint.
pub const SERVE_PATH: &str = "/api/inngest";

/// The default of [`Options::body_limit`].
pub const BODY_LIMIT: usize = 8 << 20;

/// The default of [`Options::look_again`].
pub const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The default of [`Options::drain`]: with what closing takes, less than the 30 seconds that supervisors wait.
pub const DRAIN: Duration = Duration::from_secs(25);

impl Options {
    /// What the worker announces that it can do.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            in_band_sync: self.in_band_sync,
            trust_probe: true,
            connect: !matches!(self.transport, Transport::Serve),
        }
    }

    /// The address to register, for a listener at `address`.
    pub fn serve_url(&self, address: SocketAddr) -> Result<Url, StartError> {
        let origin = match &self.serve_origin {
            Some(origin) => origin.to_string(),
            // A wildcard cannot be called; the server is then on this machine.
            None if address.ip().is_unspecified() => format!("http://127.0.0.1:{}", address.port()),
            None => format!("http://{address}"),
        };
        let path = self.serve_path.as_deref().unwrap_or(SERVE_PATH);
        Url::parse(&origin)
            .and_then(|origin| origin.join(path))
            .map_err(|_| StartError::ServeUrl { origin, path: path.to_owned() })
    }
}
