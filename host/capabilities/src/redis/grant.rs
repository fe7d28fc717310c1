//! What the operator says of Redis.

use std::path::PathBuf;

use serde::Deserialize;

use crate::grants::{Size, Time};

/// The server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it is: `redis://…`, or `rediss://…` with TLS. A password belongs into the variable that `password_env` names.
    pub url: String,
    /// The variable of the worker's environment that has its password.
    pub password_env: Option<String>,
    /// A file with the certificates (PEM) that its own one may be signed with; those that this machine trusts unless said
    /// otherwise.
    pub ca: Option<PathBuf>,
    /// How long a command may take, reconnecting included; 2 s unless said otherwise.
    pub within: Option<Time>,
}

/// Keys, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What stands before each of its keys and channels; the component's name and a colon unless said otherwise. Empty
    /// means all keys of the server.
    pub prefix: Option<String>,
    /// The largest value, written or read; 1 MiB unless said otherwise.
    pub value: Option<Size>,
    /// How many bytes the arguments of one command, or the answer to it, may have in all; 8 MiB unless said otherwise.
    pub total: Option<Size>,
    /// Whether it may only read.
    #[serde(default)]
    pub read_only: bool,
}
