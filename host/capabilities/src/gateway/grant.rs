//! What the operator says of telling people.

use serde::Deserialize;

/// Where what is told goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Channel {
    /// What stands before the names of the gateway's keys and channels; `joelclaw` unless said otherwise.
    pub namespace: Option<String>,
}
