//! What the operator says of programs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::grants::{Name, Size, Time};

/// A program that components may be granted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Where it is; an absolute path.
    pub path: PathBuf,
    /// The SHA-256 of the file, in hexadecimal digits; another file is not run.
    pub sha256: Option<String>,
    /// Variables it gets. Nothing else is in its environment but what a component may add.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

/// A program, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Which.
    pub program: Name,
    /// What its arguments must look like: each pattern stands for one argument, `*` within one for any text that does not
    /// begin with `-`, and `**` as the last one for any arguments. Without patterns there may be no arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Names of variables that the component may add.
    #[serde(default)]
    pub variables: Vec<String>,
    /// The longest it may run, where the step leaves more.
    pub within: Option<Time>,
    /// How much it may write to its standard output and error together; 1 MiB unless said otherwise.
    pub output: Option<Size>,
    /// How many processes it may have at a time, itself included; 32 unless said otherwise.
    pub processes: Option<u64>,
    /// How much address space each of them may have; 1 GiB unless said otherwise, and no less than 256 MiB.
    pub memory: Option<Size>,
    /// The largest file that they may write; 1 GiB unless said otherwise.
    pub file: Option<Size>,
}
