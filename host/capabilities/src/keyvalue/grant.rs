//! What the operator says of values by key.

use std::path::PathBuf;

use serde::Deserialize;

use crate::grants::{Name, Size};

/// Where they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Store {
    /// In a file of the worker's own folder.
    #[default]
    Embedded,
    /// In this file.
    File(PathBuf),
    /// In the server of `[redis]`.
    Redis,
}

/// Buckets, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Which it may open. No other component has the same one, but where it is in `shared`.
    #[serde(default)]
    pub buckets: Vec<Name>,
    /// Buckets that are one and the same for every component that names them here.
    #[serde(default)]
    pub shared: Vec<Name>,
    /// How many bytes a bucket of its own may have; 64 MiB unless said otherwise.
    pub bytes: Option<Size>,
}

impl Grant {
    /// The place of a bucket among those that are counted: its own ones, then the shared ones.
    pub(super) fn part(&self, bucket: &str) -> Option<usize> {
        let mut buckets = self.buckets.iter().chain(&self.shared);
        buckets.position(|own| own.as_str() == bucket)
    }
}
