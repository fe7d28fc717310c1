//! What the operator says of requests.

use serde::Deserialize;

use crate::grants::{Size, Time};

/// A destination, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Where to: a scheme, a host (`*.` before it for the names below it), a port if it is not the scheme's own, and a path
    /// (`*` for one part of it, `**` at its end for any).
    pub to: String,
    /// With which methods; any, unless some are named.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Whether its address may be one of this machine or of a private network.
    #[serde(default)]
    pub private: bool,
    /// How many bytes an answer may have; 16 MiB unless said otherwise.
    pub answer: Option<Size>,
    /// How long a request may take, until the last byte of its answer, where the step leaves more.
    pub within: Option<Time>,
}
