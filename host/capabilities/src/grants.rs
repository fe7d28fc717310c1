//! The operator's file: what there is, and which component may use what of it.
//!
//! ```toml
//! # What there is, each under a name.
//! [roots.notes]
//! path = "/home/me/notes"
//!
//! [programs.git]
//! path = "/usr/bin/git"
//!
//! [secrets.github]
//! env = "GITHUB_TOKEN"
//!
//! # What a component may use of it. Where a component is not named, it may use nothing.
//! [components.backup]
//! fs = [{ root = "notes", access = "read" }]
//! shell = [{ program = "git", arguments = ["log", "**"] }]
//! http = [{ to = "https://api.github.com/repos/**", methods = ["GET"] }]
//! secrets = [{ name = "github", to = ["https://api.github.com"] }]
//! ```
//!
//! It is read whole before anything is served. What it does not know (a key, a root, a program, a secret) is an error with
//! its line that names the nearest known one; all errors are told at once.

mod file;
mod lines;
mod nearest;
mod problem;
mod references;
#[cfg(test)]
mod tests;
mod values;
mod written;

use std::collections::BTreeMap;

pub use self::file::{LARGEST, parse};
pub use self::problem::{GrantsError, Problem};
pub use self::values::{Name, Size, Time};

use serde::Deserialize;

use crate::{fs, gateway, http, inference, keyvalue, redis, secrets, shell};

/// What an operator has written down, checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Folders, by the name that components use.
    pub roots: BTreeMap<Name, fs::Root>,
    /// Programs, by the name that components use.
    pub programs: BTreeMap<Name, shell::Program>,
    /// Secrets, by the name that components use.
    pub secrets: BTreeMap<Name, secrets::Source>,
    /// The Redis server.
    pub redis: Option<redis::Server>,
    /// Where values by key are kept.
    pub keyvalue: keyvalue::Store,
    /// Who answers questions to models, in the order in which they are asked.
    pub inference: inference::Providers,
    /// How people are told.
    pub gateway: gateway::Channel,
    /// What each component may use, by its name.
    pub components: BTreeMap<String, Grant>,
    /// How all that is written.
    #[serde(skip)]
    pub(crate) written: written::Written,
}

/// What one component may use.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// Whether the component need not be there when a worker starts.
    pub optional: bool,
    /// Roots.
    pub fs: Vec<fs::Grant>,
    /// Programs.
    pub shell: Vec<shell::Grant>,
    /// Destinations.
    pub http: Vec<http::Grant>,
    /// Keys of Redis.
    pub redis: Option<redis::Grant>,
    /// Buckets of values.
    pub keyvalue: Option<keyvalue::Grant>,
    /// Secrets, and where they may go.
    pub secrets: Vec<secrets::Grant>,
    /// Questions to models.
    pub inference: Option<inference::Grant>,
    /// Plain settings, which every component may read that has any.
    pub config: BTreeMap<String, String>,
}

impl Grants {
    /// The components that are named and not among these, each with the nearest one that is. They come and go, so a
    /// worker warns of them and `grants --check` fails.
    ///
    /// ```
    /// let grants = capabilities::grants::parse("[components.bakcup.config]\na = 'b'").unwrap();
    /// let strangers: Vec<_> = grants.strangers(["backup", "report"]).collect();
    /// assert_eq!(strangers, [("bakcup", Some("backup"))]);
    /// ```
    pub fn strangers<'g, 'n>(
        &'g self,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) -> impl Iterator<Item = (&'g str, Option<&'n str>)> {
        self.components.keys().filter_map(move |component| {
            let is_known = known.clone().into_iter().any(|known| known == component);
            (!is_known).then(|| (component.as_str(), nearest::nearest(component, known.clone())))
        })
    }

    /// What this component may use; none where it is not named.
    pub fn of(&self, component: &str) -> Option<&Grant> {
        self.components.get(component)
    }
}
