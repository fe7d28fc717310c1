//! What is known of a server and its workers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// Everything that was found out.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// When it was looked at.
    pub(crate) now: Timestamp,
    pub(crate) server: Server,
    pub(crate) workers: Vec<Worker>,
}

/// The server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    pub(crate) origin: String,
    /// Whether it is asked with a key.
    pub(crate) signed: bool,
    /// Why it tells nothing.
    pub(crate) trouble: Option<Trouble>,
    /// How far its clock is before ours, in seconds.
    pub(crate) clock: Option<i64>,
    /// Whether it answers questions of the dashboard without any key.
    pub(crate) open: bool,
    pub(crate) apps: Vec<App>,
}

/// Why a server tells nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    Away(String),
    /// It wants a key, or another one.
    Key(String),
    Other(String),
}

/// An app of the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct App {
    pub(crate) id: String,
    /// Where it is called; none where it has dialed.
    pub(crate) url: Option<String>,
    /// Whether somebody answers there, where somebody was asked.
    pub(crate) answers: Option<bool>,
    /// Why its last registration was refused.
    pub(crate) error: Option<String>,
    pub(crate) functions: Vec<Function>,
}

/// A function of an app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Function {
    pub(crate) id: String,
    /// Its schedules, each with when it last began a run.
    pub(crate) crons: BTreeMap<String, Option<Timestamp>>,
    /// Whether an event starts it.
    pub(crate) listens: bool,
}

/// A worker.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    /// Its address, as it was named.
    pub(crate) at: String,
    /// What it tells of itself, or why it does not.
    pub(crate) health: Result<Value, String>,
}
