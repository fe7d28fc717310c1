//! What a component imports → where it may run.
//!
//! The imports are read from the bytes before anything is compiled, so a component that no worker takes costs its size
//! and no more. One table says which capability an interface belongs to and which roles have it. What is not in the
//! table is refused, all of it at once. The linkers are the second wall: that of a cluster does not hold what a cluster
//! must not have.
//!
//! ```
//! use protocol::role::Role;
//! use runtime::placement::{self, Import};
//!
//! let needs = |names: &[&str]| placement::judge(names.iter().map(|name| Import::named(name)).collect());
//!
//! let remote = needs(&["wasi:io/poll@0.2.6", "wasi:http/outgoing-handler@0.2.6"]).unwrap();
//! assert_eq!(remote.home(None), Role::Cluster);
//! assert_eq!(remote.home(Some(Role::Host)), Role::Host);
//!
//! let local = needs(&["wasi:filesystem/types@0.2.6"]).unwrap();
//! assert_eq!(local.home(None), Role::Host);
//! let forced: Vec<_> = local.forced().map(|(role, import)| (role, import.to_string())).collect();
//! assert_eq!(forced, [(Role::Cluster, "wasi:filesystem/types@0.2.6".to_owned())]);
//!
//! let refused = needs(&["wasi:htpp/types@0.2.6", "wasi:io/poll@0.3.0"]).unwrap_err();
//! assert_eq!(refused.0.len(), 2);
//! ```

mod decode;
mod import;
mod refusal;
mod table;

use std::collections::BTreeSet;

use protocol::role::Role;

use table::Missing;

pub use decode::{DecodeError, IMPORTS, LARGEST, LONGEST_NAME, SECTIONS, decode};
pub use import::{Import, Interface};
pub use refusal::{Lack, Refusal, Refusals};
pub use table::{Capability, Kind, Row, TABLE};

/// Where a component may run, and which of its imports say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    uses: Vec<Use>,
}

/// An import that workers of some role can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What the component asks for.
    pub import: Import,
    /// What it belongs to.
    pub capability: Capability,
    /// Whether the operator has to grant it.
    pub kind: Kind,
}

/// Where a component with these imports may run; or everything that keeps it from running anywhere.
pub fn judge(imports: Vec<Import>) -> Result<Placement, Refusals> {
    let mut placement = Placement { uses: Vec::new() };
    let mut refusals = Vec::new();
    for import in imports {
        match judge_one(import) {
            Ok(given) => placement.uses.push(given),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() { Ok(placement) } else { Err(Refusals(refusals)) }
}

/// One import alone: what it belongs to, or why nobody has it.
pub fn judge_one(import: Import) -> Result<Use, Refusal> {
    let refused = |import, capability, lack| Err(Refusal { import, capability, lack });
    let Some(interface) = &import.interface else {
        return refused(import, None, Lack::NoInterface);
    };
    let row = match table::find(&interface.name, interface.version.as_deref()) {
        Ok(row) => row,
        Err(Missing::Interface) => {
            let nearest = table::nearest(&interface.name);
            return refused(import, None, Lack::Unknown { nearest });
        }
        Err(Missing::Version { capability, offered }) => {
            return refused(import, Some(capability), Lack::Version { offered });
        }
    };
    if import.label().is_some() {
        return refused(import, Some(row.capability), Lack::Labelled);
    }
    Ok(Use { import, capability: row.capability, kind: row.kind })
}

impl Use {
    /// Whether a provider stands behind it, not the runtime itself.
    pub fn is_provided(&self) -> bool {
        let interface = self.import.interface.as_ref();
        interface
            .and_then(|interface| table::find(&interface.name, interface.version.as_deref()).ok())
            .is_some_and(|row| row.provided)
    }

    /// Whether a grant makes a difference to it. WASI's own files are always empty, granted or not.
    pub fn needs_grant(&self) -> bool {
        self.kind == Kind::Authority && (self.is_provided() || self.capability == Capability::Http)
    }
}

impl Placement {
    /// Each import, in the order in which the component names them.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// Whether workers of a role have everything.
    pub fn fits(&self, role: Role) -> bool {
        self.uses.iter().all(|used| used.capability.fits(role))
    }

    /// The roles whose workers have everything. A host always has: whatever a cluster may have, a host may too.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(|role| self.fits(*role))
    }

    /// The roles that are excluded, each with every import that excludes it.
    pub fn forced(&self) -> impl Iterator<Item = (Role, &Import)> {
        Role::ALL.into_iter().flat_map(|role| {
            let lacking = self.uses.iter().filter(move |used| !used.capability.fits(role));
            lacking.map(move |used| (role, &used.import))
        })
    }

    /// What it can touch.
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        self.uses.iter().map(|used| used.capability).collect()
    }

    /// What of that an operator has to grant before it does anything.
    pub fn grants(&self) -> BTreeSet<Capability> {
        let authorities = self.uses.iter().filter(|used| used.kind == Kind::Authority);
        authorities.map(|used| used.capability).collect()
    }

    /// Where a function of this component lives: in a cluster if everything fits there, else on a host. `pin` is the
    /// role that its manifest asks for; it can move a function to a host and never off it.
    pub fn home(&self, pin: Option<Role>) -> Role {
        if pin != Some(Role::Host) && self.fits(Role::Cluster) { Role::Cluster } else { Role::Host }
    }
}

#[cfg(test)]
mod tests;
