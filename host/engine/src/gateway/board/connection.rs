//! One connection as the router sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use protocol::connect::frames::SystemAttributes;

use crate::gateway::rules::Rules;

/// How the board knows a connection. The id in the worker's hello is its own choice, and may be used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(super) u64);

/// How many calls a connection counts for when it names no limit.
pub(super) const DEFAULT_CAPACITY: usize = 1_000;

/// What a worker has told of itself; its apps are registered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hello {
    /// The worker's name of the connection.
    pub(crate) connection: String,
    /// Whose slots it uses.
    pub(crate) instance: String,
    /// How many calls the instance takes at once; none means no limit of its own.
    pub(crate) limit: Option<usize>,
    /// Whether the worker says itself when it is ready.
    pub(crate) manual: bool,
    /// What it serves, by the name of the app.
    pub(crate) apps: BTreeMap<String, Announced>,
    /// Language and version of its SDK.
    pub(crate) sdk: (String, String),
    /// Its machine.
    pub(crate) system: Option<SystemAttributes>,
}

/// What a connection serves of one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The same for equal function lists.
    pub(crate) configuration: String,
    /// The slugs that the functions' URLs name.
    pub(crate) slugs: BTreeSet<String>,
}

/// Whether a connection wants calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Not yet.
    Connected,
    Ready,
    /// Never again.
    Draining,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) hello: Arc<Hello>,
    pub(crate) readiness: Readiness,
    pub(crate) heard: Timestamp,
    /// When it came; the latest one of a configuration tells how new that is.
    pub(super) since: Timestamp,
}

impl Connection {
    pub(super) fn new(hello: Hello, now: Timestamp) -> Self {
        let readiness = if hello.manual { Readiness::Connected } else { Readiness::Ready };
        Self { hello: Arc::new(hello), readiness, heard: now, since: now }
    }

    /// Whether it may get calls now.
    pub(super) fn is_fit(&self, rules: &Rules, now: Timestamp) -> bool {
        self.readiness == Readiness::Ready && now < rules.stale_at(self.heard)
    }

    /// Whether it serves a function.
    pub(super) fn serves(&self, app: &str, slug: &str) -> bool {
        self.hello.apps.get(app).is_some_and(|announced| announced.slugs.contains(slug))
    }
}
