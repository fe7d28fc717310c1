//! What the operator says of secrets.

use std::path::PathBuf;

use serde::Deserialize;

use crate::grants::{Name, Time};

/// Where a secret is: exactly one of the first three.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// In this variable of the worker's environment.
    pub env: Option<String>,
    /// In this file, without the line end after it.
    pub file: Option<PathBuf>,
    /// This program writes it to its standard output; an absolute path and its arguments.
    pub command: Option<Vec<String>>,
    /// How long it is good for: it is asked for again when two thirds of that are over. Without it, it is asked for once.
    pub lasts: Option<Time>,
}

/// Where in a request a secret may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// In the value of a header.
    Header,
    /// In the body.
    Body,
    /// In the standard input of a program.
    Input,
    /// In a variable of a program.
    Variable,
}

/// A secret, for a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Which.
    pub name: Name,
    /// Where it may go: origins such as `https://api.github.com`, and programs as `program:git`.
    pub to: Vec<String>,
    /// In which part; in a header unless others are named.
    #[serde(default, rename = "in")]
    pub parts: Vec<Part>,
}
