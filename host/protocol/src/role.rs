//! Roles: which capabilities a worker has, and so which functions it serves.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::AppId;

/// A worker's role: a ceiling of grants. Each is an Inngest app of its own, so that workers of different roles never
/// take functions from each other (R12, R15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A laptop or a small server: files and processes too.
    Host,
    /// Kubernetes: the network only.
    Cluster,
}

/// A text that is not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role; write host or cluster")]
pub struct RoleError(String);

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Host, Self::Cluster];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Cluster => "cluster",
        }
    }

    /// The app that workers of this role serve unless they are told another one.
    ///
    /// ```
    /// use protocol::role::Role;
    ///
    /// assert_eq!(Role::Cluster.app().as_str(), "system-bus-cluster");
    /// ```
    pub fn app(self) -> AppId {
        format!("system-bus-{}", self.name()).parse().expect("letters and dashes")
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let role = Self::ALL.into_iter().find(|role| role.name() == text);
        role.ok_or_else(|| RoleError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
