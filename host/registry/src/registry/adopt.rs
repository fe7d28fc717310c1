//! A history → the generation that serves it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use protocol::digest::Digest;
use protocol::id::FunctionId;
use protocol::role::Role;

use super::{Registry, lock};
use crate::generation::{Absent, Active, Generation, Retired};
use crate::history::History;
use crate::version::Version;

/// How often code that is active and cannot be loaded is tried again. A call that needs it tries at once.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Registry {
    /// Brings everything that the log says is active into memory and makes it the present generation: one swap, of
    /// everything at once. What cannot be loaded is told by the generation; calls that need it are handed back.
    pub async fn adopt(&self) -> Arc<Generation> {
        let _turn = self.adopting.lock().await;
        let history = self.log.history();
        let before = self.present();
        if history.generation() == before.number() && !self.looks_again(&before) {
            return before;
        }
        let (versions, absent) = self.versions(&history).await;
        let functions = active(&history, &versions, &before);
        let retired = self.retired(&history, &functions).await;
        let generation = Arc::new(Generation::new(history, functions, retired, absent));
        self.tallies.watch(&generation);
        self.present.send_replace(Arc::clone(&generation));
        self.outdate(&generation);
        generation
    }

    /// Whether it is time to try again to load what is active and not here.
    fn looks_again(&self, present: &Generation) -> bool {
        let mut tried = lock(&self.tried);
        if present.absent().is_empty() || tried.elapsed() < LOOK_AGAIN {
            return false;
        }
        *tried = Instant::now();
        true
    }

    /// Everything active, loaded as many at a time as there are processors.
    async fn versions(&self, history: &History) -> (BTreeMap<Digest, Arc<Version>>, Vec<Absent>) {
        let wanted: BTreeMap<Digest, String> = history
            .functions()
            .flat_map(|(function, active)| [Some(active), history.canary(function)])
            .flatten()
            .filter_map(|line| Some((line.digest?, line.component.clone())))
            .collect();
        self.revive(wanted.keys());
        let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let loads = stream::iter(wanted)
            .map(async |(digest, name)| (digest, self.load(&name, digest).await));
        let mut versions = BTreeMap::new();
        let mut absent = Vec::new();
        let mut loaded = std::pin::pin!(loads.buffer_unordered(at_once));
        while let Some((digest, load)) = loaded.next().await {
            match load {
                Ok(version) => drop(versions.insert(digest, version)),
                Err(missing) => {
                    tracing::error!(error = %missing, "code that is active cannot be loaded; calls that need it are handed back");
                    let (component, reason) = (missing.component, missing.reason);
                    absent.push(Absent { component, digest, reason });
                }
            }
        }
        (versions, absent)
    }

    /// Functions that are registered for the sake of their unfinished runs only.
    async fn retired(
        &self,
        history: &History,
        active: &BTreeMap<FunctionId, Active>,
    ) -> Vec<Retired> {
        // What is active again has runs again.
        let drained: BTreeSet<(Role, FunctionId)> = {
            let mut drained = lock(&self.drained);
            drained.retain(|(role, function)| {
                let home = active.get(function).map(|a| a.base.component().home(function));
                home != Some(*role)
            });
            drained.clone()
        };
        let mut retired = Vec::new();
        for (function, role, last) in history.homes() {
            let here = active
                .get(function)
                .is_some_and(|active| active.base.component().home(function) == role);
            if here || drained.contains(&(role, function.clone())) {
                continue;
            }
            let Some(digest) = last.digest else { continue };
            match self.load(&last.component, digest).await {
                Ok(version) => {
                    let functions = version.component().functions().iter();
                    let config = functions.into_iter().find(|config| config.id == *function);
                    retired.extend(config.map(|config| Retired { role, config: config.clone() }));
                }
                Err(missing) => {
                    tracing::warn!(%function, error = %missing, "a function that was taken away cannot be kept for its unfinished runs");
                }
            }
        }
        retired
    }

    /// What was outdated and becomes active again begins anew: a rollback, for one.
    fn revive<'d>(&self, wanted: impl Iterator<Item = &'d Digest>) {
        let mut loaded = lock(&self.loaded);
        for digest in wanted {
            if let Some(version) = loaded.get_mut(digest).filter(|version| version.is_outdated()) {
                *version = Version::new(Arc::clone(version.component()));
            }
        }
    }

    /// What is not active any more ends its calls at their next step.
    fn outdate(&self, generation: &Generation) {
        let active = generation.versions();
        let loaded = lock(&self.loaded);
        for version in loaded.iter().filter(|(digest, _)| !active.contains_key(digest)) {
            version.1.outdate();
        }
    }

    /// A retired function has no unfinished run any more.
    pub async fn drained(&self, role: Role, function: &FunctionId) {
        let _turn = self.adopting.lock().await;
        // It may have come back while the server was asked.
        if self.present().without_retired(role, function).is_none() {
            return;
        }
        lock(&self.drained).insert((role, function.clone()));
        self.present.send_if_modified(|present| {
            let without = present.without_retired(role, function);
            without.is_some_and(|generation| {
                *present = Arc::new(generation);
                true
            })
        });
    }
}

/// What is active for each function. Where the code is missing, what was active before stays announced: its calls are
/// handed back, but no event is lost.
fn active(
    history: &History,
    versions: &BTreeMap<Digest, Arc<Version>>,
    before: &Generation,
) -> BTreeMap<FunctionId, Active> {
    let mut functions = BTreeMap::new();
    for (function, line) in history.functions() {
        let base = line.digest.and_then(|digest| versions.get(&digest));
        let active = base.map(|base| Active {
            component: line.component.clone(),
            base: Arc::clone(base),
            canary: history.canary(function).and_then(|canary| {
                Some((Arc::clone(versions.get(&canary.digest?)?), canary.percent))
            }),
        });
        if let Some(active) = active.or_else(|| before.active(function).cloned()) {
            functions.insert(function.clone(), active);
        }
    }
    functions
}
