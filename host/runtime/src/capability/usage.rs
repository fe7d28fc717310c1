//! How often a component used each capability, and how often it was refused: what grants are made smaller by.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
}

/// How often one component used one capability, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// How often a function of it was called in a step.
    pub calls: u64,
    /// How many of these calls its grant did not allow.
    pub denied: u64,
}

impl Usage {
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
}

/// The usage of every component that was ever loaded here, by name.
#[derive(Debug, Default)]
pub(crate) struct Usages(Mutex<BTreeMap<String, Arc<Usage>>>);

impl Usages {
    /// The one of this component.
    pub(crate) fn of(&self, component: &str) -> Arc<Usage> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = all.get(component) {
            return Arc::clone(usage);
        }
        Arc::clone(all.entry(component.to_owned()).or_default())
    }

    /// All of them.
    pub(crate) fn all(&self) -> BTreeMap<String, Arc<Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
