//! One component in memory, with what its calls need to know of its place among the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol::digest::Digest;
use runtime::Component;
use tokio_util::sync::CancellationToken;

use crate::registry::lock;

/// A component in memory. A generation keeps those that are active; others stay for as long as calls of older runs use
/// them.
#[derive(Debug)]
pub struct Version {
    component: Arc<Component>,
    outdated: CancellationToken,
    expired: CancellationToken,
    /// Since when it is outdated.
    since: Mutex<Option<Instant>>,
    calls: AtomicUsize,
    used: Mutex<Instant>,
}

impl Version {
    pub(crate) fn new(component: Arc<Component>) -> Arc<Self> {
        Arc::new(Self {
            component,
            outdated: CancellationToken::new(),
            expired: CancellationToken::new(),
            since: Mutex::default(),
            calls: AtomicUsize::new(0),
            used: Mutex::new(Instant::now()),
        })
    }

    /// The code.
    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        self.component.digest()
    }

    /// How many calls run on it now.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    /// A newer version has taken its place: it is not active for new calls any more.
    pub(crate) fn outdate(&self) {
        if !self.is_outdated() {
            *lock(&self.since) = Some(Instant::now());
            self.outdated.cancel();
        }
    }

    /// Hands back what runs on it, when it has been outdated for this long.
    pub(crate) fn expire_after(&self, deadline: Duration) {
        let over = lock(&self.since).is_some_and(|since| since.elapsed() >= deadline);
        if over && self.calls() > 0 && !self.expired.is_cancelled() {
            tracing::warn!(
                component = self.component.name(),
                digest = self.digest().short(),
                calls = self.calls(),
                "calls have run on replaced code for {deadline:?}; handing them back"
            );
            self.expired.cancel();
        }
    }

    /// Whether nothing has used it for this long.
    pub(crate) fn idle_for(&self, time: Duration) -> bool {
        self.calls() == 0 && lock(&self.used).elapsed() >= time
    }

    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.is_cancelled()
    }

    pub(crate) fn lease(self: &Arc<Self>) -> Lease {
        self.calls.fetch_add(1, Ordering::AcqRel);
        // A run that goes on with old code on purpose has nothing to make way for.
        let outdated =
            if self.is_outdated() { CancellationToken::new() } else { self.outdated.clone() };
        Lease { version: Arc::clone(self), outdated }
    }
}

/// One call's hold on the code it runs: counted, and kept until the reply is written.
#[derive(Debug)]
pub struct Lease {
    version: Arc<Version>,
    outdated: CancellationToken,
}

impl Lease {
    /// The code.
    pub fn component(&self) -> &Arc<Component> {
        &self.version.component
    }

    /// Cancelled when newer code is active: a call that could go on for many steps ends at its next one, so that the
    /// next step runs the new code.
    pub fn outdated(&self) -> &CancellationToken {
        &self.outdated
    }

    /// Cancelled when this code has been outdated for longer than calls on it may take: what still runs is handed back.
    pub fn expired(&self) -> &CancellationToken {
        &self.version.expired
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *lock(&self.version.used) = Instant::now();
        self.version.calls.fetch_sub(1, Ordering::AcqRel);
    }
}
