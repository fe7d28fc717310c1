//! Hands out the present generation, and for each call the code it is to run on.

mod adopt;
mod keep;
mod retain;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::digest::{Digest, Hashed};
use protocol::function::Mode;
use protocol::id::{FunctionId, RunId};
use protocol::role::Role;
use runtime::{Component, Runtime};
use tokio::sync::{Notify, watch};

use crate::canary::{Shared, Tallies};
use crate::generation::Generation;
use crate::history::History;
use crate::judge::Policy;
use crate::log::{LogError, LogFile};
use crate::oci::ComponentReference;
use crate::retention::{Needs, Rules};
use crate::source::{Content, Found, Scan, Source};
use crate::store::{StoreError, Versions};
use crate::version::{Lease, Version};

pub use self::retain::{FreeError, Kept};

/// How a registry behaves.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// The folder with the activation log and every component that was ever activated; workers may share it.
    pub versions: PathBuf,
    /// How far ahead of its writing an activation takes effect for runs that begin: longer than the clocks of the server
    /// and of the workers that share the log differ. Zero is right where all of them are on one machine.
    pub lead: Duration,
    /// How long calls may go on with code that newer code has replaced; then they are handed back to the server.
    pub deadline: Duration,
    /// How long code that is not active stays in memory after its last call.
    pub idle: Duration,
    /// When canaries are promoted or rolled back.
    pub policy: Policy,
    /// How long versions that are not active stay in the versions folder.
    pub retention: Rules,
    /// How many bytes of components the versions folder may hold; a deploy that needs more is refused.
    pub limit: u64,
}

impl RegistryOptions {
    /// The defaults, for a folder.
    pub fn new(versions: PathBuf) -> Self {
        Self {
            versions,
            lead: Duration::ZERO,
            deadline: Duration::from_mins(10),
            idle: Duration::from_secs(10),
            policy: Policy::default(),
            retention: Rules::default(),
            limit: 10 << 30,
        }
    }
}

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The activation log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The folder of components.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Hands out the present generation, and for each call the code it is to run on. One writer (a reload, one at a time),
/// many readers.
pub struct Registry {
    pub(crate) runtime: Runtime,
    pub(crate) options: RegistryOptions,
    pub(crate) log: Arc<LogFile>,
    pub(crate) store: Arc<Versions>,
    /// Where components come from; none where the set is fixed.
    pub(crate) source: Option<Arc<Source>>,
    present: watch::Sender<Arc<Generation>>,
    /// All code in memory.
    loaded: Mutex<BTreeMap<Digest, Arc<Version>>>,
    /// What is being loaded: two calls that need the same old version shall not load it twice.
    loading: Mutex<BTreeMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
    /// One adoption at a time.
    adopting: tokio::sync::Mutex<()>,
    /// What lies in the sources while that is looked at: what is active and lies there is read and hashed once.
    offered: Mutex<BTreeMap<Digest, Content>>,
    /// What the sources held when they were looked at last; none before the first look.
    pub(crate) considered: Mutex<Option<BTreeMap<String, Digest>>>,
    /// When code that is active and absent was tried last.
    tried: Mutex<Instant>,
    /// One reload at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Told when somebody has looked at the source and left what is new there.
    pub(crate) passed_over: Notify,
    /// Retired functions without unfinished runs.
    drained: Mutex<BTreeSet<(Role, FunctionId)>>,
    /// Components that the last reload refused, each with the reason.
    pub(crate) rejected: Mutex<BTreeMap<String, Rejected>>,
    pub(crate) tallies: Tallies,
    /// What workers tell each other of their canaries.
    pub(crate) shared: Arc<Shared>,
    /// Since when unfinished runs may need versions, as far as the server was asked.
    needs: Mutex<Needs>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("options", &self.options)
            .field("generation", &self.present().number())
            .finish_non_exhaustive()
    }
}

/// A load of this version has ended, well or not. Whoever waits for the same one finds it in memory, or tries it too.
struct Ended<'r>(&'r Registry, Digest);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        lock(&self.0.loading).remove(&self.1);
    }
}

/// See [`Registry::offer`].
pub(crate) struct Offered<'r>(&'r Registry);

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        lock(&self.0.offered).clear();
    }
}

/// A component that was refused, and what for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rejected {
    /// Its digest, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The functions that another component has too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<FunctionId>,
    /// Why.
    pub reason: String,
}

/// Which versions may answer a call, the first first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This one, whatever its memo.
    Only(Digest),
    /// The first whose code fits the memo; if none does, the one that the run began with.
    First {
        /// The versions, the newest first.
        versions: Vec<Digest>,
        /// The one that the run began with.
        began: Option<Digest>,
    },
}

impl Choice {
    /// The versions, the first to be tried first.
    pub fn versions(&self) -> &[Digest] {
        match self {
            Self::Only(digest) => std::slice::from_ref(digest),
            Self::First { versions, .. } => versions,
        }
    }

    /// Whether this version is another one than the run began with.
    pub fn moves_to(&self, digest: Digest) -> bool {
        match self {
            Self::Only(_) => false,
            Self::First { began, .. } => *began != Some(digest),
        }
    }
}

/// Code that a call needs, and that cannot be had now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {} of component {component:?} is needed and is not here: {reason}", digest.short())]
pub struct Missing {
    /// The component's name.
    pub component: String,
    /// Which version.
    pub digest: Digest,
    /// Why it cannot be loaded.
    pub reason: String,
}

impl Registry {
    /// Opens a registry on its folder. It serves what the activation log says once [`Registry::adopt`] has run.
    pub fn open(
        runtime: Runtime,
        options: RegistryOptions,
        source: Option<Source>,
    ) -> Result<Arc<Self>, OpenError> {
        let log = LogFile::open(&options.versions)?.with_lead(options.lead);
        let store = Versions::open(&options.versions)?;
        let shared = Shared::new(&options.versions);
        Ok(Arc::new(Self {
            runtime,
            options,
            log: Arc::new(log),
            store: Arc::new(store),
            source: source.map(Arc::new),
            present: watch::Sender::new(Arc::new(Generation::default())),
            loaded: Mutex::default(),
            loading: Mutex::default(),
            adopting: tokio::sync::Mutex::default(),
            offered: Mutex::default(),
            considered: Mutex::default(),
            tried: Mutex::new(Instant::now()),
            turn: tokio::sync::Mutex::default(),
            passed_over: Notify::new(),
            drained: Mutex::default(),
            rejected: Mutex::default(),
            tallies: Tallies::default(),
            shared: Arc::new(shared),
            needs: Mutex::default(),
        }))
    }

    /// The present generation, and word of each further one.
    pub fn watch(&self) -> watch::Receiver<Arc<Generation>> {
        self.present.subscribe()
    }

    /// The present generation.
    pub fn present(&self) -> Arc<Generation> {
        Arc::clone(&self.present.borrow())
    }

    /// What counts calls and judges canaries.
    pub fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// Lets what capabilities keep for a run go: it has ended.
    pub fn run_ended(&self, run: RunId) {
        self.runtime.run_ended(run);
    }

    /// What runs the components.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What a run has logged last, as far as it is still there.
    pub fn logged(&self, run: RunId) -> runtime::logging::recent::Lines {
        self.runtime.recent().of(run)
    }

    /// Whether nothing was ever activated.
    pub fn is_new(&self) -> bool {
        self.log.history().generation() == 0
    }

    /// What is wrong with the activation log: it cannot be read any further, and nothing can be activated.
    pub fn trouble(&self) -> Option<LogError> {
        self.log.trouble()
    }

    /// The components that were refused when they were last looked at, by name.
    pub fn rejected(&self) -> BTreeMap<String, Rejected> {
        lock(&self.rejected).clone()
    }

    /// Which versions may answer a call of this run; none when the function was never active.
    ///
    /// Decided by the log alone, so every worker that shares it decides alike.
    pub async fn choose(&self, function: &FunctionId, run: RunId) -> Option<Choice> {
        self.refresh().await;
        // A run that is younger than an activation that is being written waits: what it began with is known in a moment.
        let history = self.log.decided(run).await;
        if let Some(only) = history.only(function) {
            return Some(Choice::Only(only));
        }
        choose(&history, function, run)
    }

    /// Reads what other workers have added to the log. What is wrong with it is told by the log itself, once; what is
    /// known of it stays in force.
    pub(crate) async fn refresh(&self) {
        if self.log.grown() {
            let log = Arc::clone(&self.log);
            // It may wait for another process that writes.
            drop(tokio::task::spawn_blocking(move || log.refresh()).await);
        }
    }

    /// A hold on this version of a component, loaded if it is not in memory.
    pub async fn lease(&self, digest: Digest, function: &FunctionId) -> Result<Lease, Missing> {
        if let Some(lease) = self.in_memory(digest) {
            return Ok(lease);
        }
        let history = self.log.history();
        let component = history.name_of(function, digest).unwrap_or(function.as_str()).to_owned();
        let version = self.load(&component, digest).await?;
        Ok(version.lease())
    }

    fn in_memory(&self, digest: Digest) -> Option<Lease> {
        lock(&self.loaded).get(&digest).map(Version::lease)
    }

    /// The version, from memory or else from the store, or else from where components come from.
    pub(crate) async fn load(&self, name: &str, digest: Digest) -> Result<Arc<Version>, Missing> {
        let known = || lock(&self.loaded).get(&digest).cloned();
        if let Some(version) = known() {
            return Ok(version);
        }
        let turn = Arc::clone(lock(&self.loading).entry(digest).or_default());
        let _turn = turn.lock().await;
        let _ended = Ended(self, digest);
        if let Some(version) = known() {
            return Ok(version);
        }
        // Compiled code alone is no version: other workers, and this one after its cache was emptied, need the bytes.
        if self.store.has(&digest)
            && let Some(component) = Component::cached(&self.runtime, name, digest).await
        {
            tracing::debug!(component = name, digest = digest.short(), "loaded a version");
            return Ok(self.keep(component));
        }
        let missing = |reason: String| Missing { component: name.to_owned(), digest, reason };
        let bytes = self.bytes(digest).await.map_err(&missing)?;
        let loaded = Component::load(&self.runtime, name, bytes).await;
        let component = loaded.map_err(|error| missing(error.to_string()))?;
        tracing::debug!(component = name, digest = digest.short(), "loaded a version");
        Ok(self.keep(component))
    }

    /// Takes components from these references from now on; see [`Source::take_from`]. Whoever watches takes them up.
    pub fn take_from(&self, references: Vec<ComponentReference>) {
        if let Some(source) = &self.source {
            source.take_from(references);
        }
    }

    /// Says what lies in the sources, for as long as what this answers with lives.
    pub(crate) fn offer(&self, scan: &Scan) -> Offered<'_> {
        let found = scan.components.values().filter_map(|found| match found {
            Found::Ready { digest, content, .. } => Some((*digest, content.clone())),
            Found::Unsettled | Found::Faulty { .. } => None,
        });
        *lock(&self.offered) = found.collect();
        Offered(self)
    }

    /// The bytes of a version.
    async fn bytes(&self, digest: Digest) -> Result<Hashed, String> {
        let offer = lock(&self.offered).get(&digest).cloned();
        if let Some(offer) = offer
            && let Ok(hashed) = offer.hashed().await
        {
            return Ok(hashed);
        }
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || store.get(&digest)).await;
        if let Some(bytes) = read.map_err(|error| error.to_string())? {
            return Ok(bytes);
        }
        let Some(source) = &self.source else {
            return Err("the versions folder does not have it".to_owned());
        };
        match source.fetch(&digest).await {
            Ok(Some(bytes)) => {
                let bytes = Hashed::from(bytes);
                if let Err(error) = self.store.put(bytes.clone()) {
                    tracing::warn!(%error, "a version that was fetched cannot be kept");
                }
                Ok(bytes)
            }
            Ok(None) => Err("neither the versions folder nor any source has it".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Puts a component among those in memory.
    pub(crate) fn keep(&self, component: Arc<Component>) -> Arc<Version> {
        let mut loaded = lock(&self.loaded);
        let version = loaded.entry(component.digest()).or_insert_with(|| Version::new(component));
        Arc::clone(version)
    }

    /// How many components are in memory, active or not.
    pub fn in_memory_count(&self) -> usize {
        lock(&self.loaded).len()
    }

    /// The code in memory, with the number of calls that run on each.
    pub fn held(&self) -> BTreeMap<Digest, usize> {
        lock(&self.loaded).iter().map(|(digest, version)| (*digest, version.calls())).collect()
    }
}

/// A panic while it was held cannot have left a map half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which versions may answer a call of this run, by the log and the mode of the version it began with: what a later one
/// declares is for the runs that begin with that.
fn choose(history: &History, function: &FunctionId, run: RunId) -> Option<Choice> {
    let began = history.began(function, run);
    let mode = began.and_then(|began| history.mode(function, began)).unwrap_or_default();
    match mode {
        Mode::Pinned => began.map(Choice::Only),
        Mode::Latest => {
            let newest = history.newest(function, run).or(began);
            newest.map(Choice::Only)
        }
        Mode::LatestCompatible => {
            let candidates = history.candidates(function, run);
            match candidates.as_slice() {
                [] => None,
                [only] => Some(Choice::Only(*only)),
                _ => Some(Choice::First { began, versions: candidates }),
            }
        }
    }
}
