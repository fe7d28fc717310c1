//! How often a component used each capability and each line of its grants, and how often it was refused: what grants are
//! made smaller by.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Granted;
use super::line::Line;
use crate::placement::Capability;

/// What one component has used, all its versions together.
#[derive(Debug, Default)]
pub struct Usage {
    used: [Count; Capability::ALL.len()],
}

/// One capability of one component.
#[derive(Debug, Default)]
pub(crate) struct Count {
    calls: AtomicU64,
    denied: AtomicU64,
    lost: AtomicU64,
    lines: Box<[LineCount]>,
}

/// One line of a component's grants.
#[derive(Debug, Default)]
struct LineCount {
    calls: AtomicU64,
    parts: Box<[AtomicU64]>,
}

/// How often one component used one capability, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// How often a function of it was called in a step.
    pub calls: u64,
    /// How many of these calls its grant did not allow.
    pub denied: u64,
}

/// How often one line of a component's grants allowed something, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineUsed {
    /// How often it did.
    pub calls: u64,
    /// How often for each of its parts, in their order.
    pub parts: Vec<u64>,
}

impl Usage {
    /// Nothing used yet, of what the operator has granted to this component.
    pub(crate) fn new(granted: &Granted, component: &str) -> Self {
        let mut usage = Self::default();
        for capability in Capability::ALL {
            let lines = granted.lines(component, capability).iter().map(LineCount::of);
            usage.used[capability as usize].lines = lines.collect();
        }
        usage
    }

    pub(crate) fn count(&self, capability: Capability) -> &Count {
        &self.used[capability as usize]
    }

    /// What was used of one capability.
    pub fn of(&self, capability: Capability) -> Used {
        let Count { calls, denied, .. } = self.count(capability);
        Used { calls: calls.load(Ordering::Relaxed), denied: denied.load(Ordering::Relaxed) }
    }

    /// How many calls of one capability were answered although nothing came of them: what is optional by nature, and
    /// failed.
    pub fn lost(&self, capability: Capability) -> u64 {
        self.count(capability).lost.load(Ordering::Relaxed)
    }

    /// What was used of each line that grants this capability, in the order of [`Granted::lines`].
    pub fn lines(&self, capability: Capability) -> Vec<LineUsed> {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let lines = self.count(capability).lines.iter();
        lines
            .map(|line| LineUsed {
                calls: load(&line.calls),
                parts: line.parts.iter().map(load).collect(),
            })
            .collect()
    }
}

impl Count {
    pub(crate) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn denied(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// A line allowed something, in these parts of it. What nobody was told of is not counted.
    pub(crate) fn allowed(&self, line: usize, parts: &[usize]) {
        let Some(line) = self.lines.get(line) else { return };
        line.calls.fetch_add(1, Ordering::Relaxed);
        for part in parts.iter().filter_map(|part| line.parts.get(*part)) {
            part.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl LineCount {
    fn of(line: &Line) -> Self {
        let parts = line.parts.iter().map(|_| AtomicU64::default()).collect();
        Self { calls: AtomicU64::default(), parts }
    }
}

/// The usage of every component that was ever loaded here, by name.
#[derive(Debug, Default)]
pub(crate) struct Usages(Mutex<BTreeMap<String, Arc<Usage>>>);

impl Usages {
    /// The one of this component; made now if it is the first time that it is loaded.
    pub(crate) fn of(&self, component: &str, granted: &Granted) -> Arc<Usage> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = all.get(component) {
            return Arc::clone(usage);
        }
        let usage = Arc::new(Usage::new(granted, component));
        Arc::clone(all.entry(component.to_owned()).or_insert(usage))
    }

    /// All of them.
    pub(crate) fn all(&self) -> BTreeMap<String, Arc<Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Part, Says};

    #[test]
    fn each_line_and_each_part_of_it_is_counted_and_nothing_that_is_not_there() {
        let part = |name: &str| Part { name: name.to_owned(), says: Says::Nothing };
        let line = |parts: Vec<Part>| Line { capability: Capability::Fs, keys: Vec::new(), parts };
        let mut granted = Granted::default();
        granted.add("backup", line(vec![part("read"), part("write")]));
        granted.add("backup", line(Vec::new()));
        let usages = Usages::default();
        let usage = usages.of("backup", &granted);
        let count = usage.count(Capability::Fs);
        count.allowed(0, &[0]);
        count.allowed(0, &[1, 7]);
        count.allowed(1, &[]);
        count.allowed(2, &[0]);
        usage.count(Capability::Http).allowed(0, &[0]);
        let line = |calls, parts: &[u64]| LineUsed { calls, parts: parts.to_vec() };
        assert_eq!(usage.lines(Capability::Fs), [line(2, &[1, 1]), line(1, &[])]);
        assert_eq!(usage.lines(Capability::Http), []);
        // Another version of it goes on with the same counts.
        assert!(Arc::ptr_eq(&usage, &usages.of("backup", &granted)));
        assert_eq!(usages.of("report", &granted).lines(Capability::Fs), []);
    }
}
