//! What the operator says of files.

use std::path::PathBuf;

use serde::Deserialize;

use crate::grants::{Name, Size};

/// A folder that components may be granted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Where it is; an absolute path.
    pub path: PathBuf,
}

/// What a component may do with a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read what is there.
    #[default]
    Read,
    /// Change it too.
    ReadWrite,
}

/// A root, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Which; `scratch` is the folder of the run, which needs no `[roots]`.
    pub root: Name,
    /// To do what; the folder of a run is always there to be changed.
    #[serde(default)]
    pub access: Access,
    /// How many bytes all files that are in the root may have together, when the component writes. Nobody counts unless it is
    /// said; in the folder of a run they are 256 MiB.
    pub bytes: Option<Size>,
    /// How many files and folders may be in it then; 10,000 in the folder of a run unless said otherwise.
    pub files: Option<u64>,
    /// The largest file that is read or written in one piece; 16 MiB unless said otherwise.
    pub file: Option<Size>,
}
