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

use std::collections::{BTreeMap, BTreeSet};

pub use self::file::{LARGEST, parse};
pub use self::problem::{GrantsError, Problem};
pub use self::values::{Name, Size, Time};

use serde::Deserialize;

pub(crate) use self::problem::Wrong;

use self::problem::Place;
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
    /// Whether every component that is named is among those that are known, or need not be there.
    ///
    /// Fails with all others, each with its place and the nearest one that is known. For who starts with a file, or checks
    /// one: while a worker runs, components come and go.
    ///
    /// ```
    /// let grants = capabilities::grants::parse("[components.bakcup.config]\na = 'b'").unwrap();
    /// let error = grants.check_components(["backup", "report"]).unwrap_err();
    /// let said = "line 1, column 13: no component is called `bakcup`: did you mean `backup`?";
    /// assert!(error.to_string().starts_with(said), "{error}");
    ///
    /// let grants = capabilities::grants::parse("components.bakcup.optional = true").unwrap();
    /// assert!(grants.check_components(["backup"]).is_ok());
    /// ```
    pub fn check_components<'n>(
        &self,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), GrantsError> {
        let known: BTreeSet<_> = known.into_iter().collect();
        let unknown = self
            .components
            .iter()
            .filter(|(name, grant)| !grant.optional && !known.contains(name.as_str()));
        let mut problems: Vec<_> = unknown
            .map(|(name, _)| {
                let Place { line, column } = self.written.place(name);
                let hint = nearest::hint(name, known.iter().copied());
                let message = format!(
                    "no component is called `{name}`: {hint}. One that may be missing says `optional = true` in its table"
                );
                Problem { line, column, message }
            })
            .collect();
        problems.sort();
        if problems.is_empty() { Ok(()) } else { Err(GrantsError(problems)) }
    }

    /// Whether this machine has what the grants name: folders, files, variables of the environment, and secrets but for
    /// those of commands, which are not run.
    ///
    /// Fails with all that is not there, each with its place. A worker looks before it starts; a file for another machine
    /// need not be looked at.
    ///
    /// ```
    /// let grants = capabilities::grants::parse("[roots.notes]\npath = '/not/there'").unwrap();
    /// let error = grants.check_machine().unwrap_err();
    /// let said = "line 2, column 8: the root `notes` cannot be opened at /not/there";
    /// assert!(error.to_string().starts_with(said), "{error}");
    /// ```
    pub fn check_machine(&self) -> Result<(), GrantsError> {
        self.all_absent([fs::absent(self), redis::absent(self), secrets::absent(self)])
    }

    /// The same for programs, which have to be there when they are to run and not before: no start looks for them.
    pub fn check_programs(&self) -> Result<(), GrantsError> {
        self.all_absent([shell::absent(self)])
    }

    fn all_absent(&self, absent: impl IntoIterator<Item = Vec<Wrong>>) -> Result<(), GrantsError> {
        let absent = absent.into_iter().flatten();
        let mut problems: Vec<_> = absent.map(|wrong| self.written.problem(wrong)).collect();
        problems.sort();
        if problems.is_empty() { Ok(()) } else { Err(GrantsError(problems)) }
    }

    /// What this component may use; none where it is not named.
    pub fn of(&self, component: &str) -> Option<&Grant> {
        self.components.get(component)
    }
}
