//! What the operator says of Redis.

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
    /// Whether it may only read.
    #[serde(default)]
    pub read_only: bool,
}
