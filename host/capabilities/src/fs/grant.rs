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
    /// To do what.
    #[serde(default)]
    pub access: Access,
    /// How many bytes all files that are in the root may have together, when the component writes.
    pub bytes: Option<Size>,
    /// How many files and folders may be in it then.
    pub files: Option<u64>,
    /// The largest file that is read or written in one piece.
    pub file: Option<Size>,
}
