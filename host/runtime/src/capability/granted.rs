//! What the operator has granted, as far as reports need it: which component has anything of which capability.

use std::collections::{BTreeMap, BTreeSet};

use crate::placement::Capability;

/// Which component has a grant of which capability. What a grant says is its provider's to know.
///
/// ```
/// use runtime::capability::Granted;
/// use runtime::placement::Capability;
///
/// let granted: Granted = [("backup".to_owned(), Capability::Fs)].into_iter().collect();
/// assert!(granted.includes("backup", Capability::Fs));
/// assert!(!granted.includes("report", Capability::Fs));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted(BTreeMap<String, BTreeSet<Capability>>);

impl Granted {
    /// Whether a component has a grant of a capability.
    pub fn includes(&self, component: &str, capability: Capability) -> bool {
        self.0.get(component).is_some_and(|granted| granted.contains(&capability))
    }

    /// Everything that a component has a grant of.
    pub fn of(&self, component: &str) -> impl Iterator<Item = Capability> {
        self.0.get(component).into_iter().flatten().copied()
    }

    /// The components that are named.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names a component, whether or not anything is granted to it.
    pub fn name(&mut self, component: &str) {
        self.0.entry(component.to_owned()).or_default();
    }
}

impl FromIterator<(String, Capability)> for Granted {
    fn from_iter<I: IntoIterator<Item = (String, Capability)>>(pairs: I) -> Self {
        let mut granted = Self::default();
        for (component, capability) in pairs {
            granted.0.entry(component).or_default().insert(capability);
        }
        granted
    }
}
