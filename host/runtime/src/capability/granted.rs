//! What the operator has granted, as far as reports need it: which component has which lines.

use std::collections::BTreeMap;

use super::line::Line;
use crate::placement::Capability;

/// Which component has which grants. What a line allows is its provider's to know.
///
/// ```
/// use runtime::capability::{Granted, Line};
/// use runtime::placement::Capability;
///
/// let mut granted = Granted::default();
/// granted.name("backup", false);
/// granted.add("backup", Line { capability: Capability::Fs, keys: Vec::new(), parts: Vec::new() });
/// assert!(granted.includes("backup", Capability::Fs));
/// assert!(!granted.includes("report", Capability::Fs));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted(BTreeMap<String, OfComponent>);

/// What one component has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct OfComponent {
    /// Whether it need not be there.
    optional: bool,
    lines: BTreeMap<Capability, Vec<Line>>,
}

impl Granted {
    /// Names a component, whether or not anything is granted to it. One that is `optional` need not be there.
    pub fn name(&mut self, component: &str, optional: bool) {
        self.0.entry(component.to_owned()).or_default().optional = optional;
    }

    /// Adds a line to those that a component has of its capability. The first one has the number 0.
    pub fn add(&mut self, component: &str, line: Line) {
        let own = self.0.entry(component.to_owned()).or_default();
        own.lines.entry(line.capability).or_default().push(line);
    }

    /// Whether a component has a grant of a capability.
    pub fn includes(&self, component: &str, capability: Capability) -> bool {
        !self.lines(component, capability).is_empty()
    }

    /// The lines that a component has of a capability, each at the position by which its uses are counted.
    pub fn lines(&self, component: &str, capability: Capability) -> &[Line] {
        let own = self.0.get(component).and_then(|own| own.lines.get(&capability));
        own.map_or(&[], Vec::as_slice)
    }

    /// Everything that a component has a grant of.
    pub fn of(&self, component: &str) -> impl Iterator<Item = Capability> {
        self.0.get(component).into_iter().flat_map(|own| own.lines.keys().copied())
    }

    /// Whether the operator says of a component that it need not be there.
    pub fn is_optional(&self, component: &str) -> bool {
        self.0.get(component).is_some_and(|own| own.optional)
    }

    /// The components that are named.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
