//! Bytes → compiled code: from the cache, else from a compiler, so many at once.
//!
//! Compiling a large component takes seconds of every core and leaves hundreds of megabytes behind in the process that
//! does it. A worker therefore has a [child](Compiler::Child) do it, and keeps what comes back in a [`Cache`].

mod child;
mod code;
mod fingerprint;
mod message;
mod server;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::SystemTime;

use protocol::digest::Digest;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component;

pub use self::child::Child;
pub(crate) use self::code::Code;
pub(crate) use self::fingerprint::Fingerprint;
pub use self::server::serve;
use crate::cache::{Cache, Key};
use crate::component::LoadError;
use crate::engine::{Runtime, Settings};

/// Who compiles.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// This process, on a thread for blocking work. What it leaves behind in memory stays.
    InProcess,
    /// A process of its own for each component.
    Child(Child),
}

/// Where compiled code comes from: the cache if there is one, else the compiler. Clones share the cache, the counts and
/// the bound on how many components are compiled at once.
///
/// ```no_run
/// use runtime::cache::Cache;
/// use runtime::compile::{Child, Compilation, Compiler};
///
/// let cache = Cache::open("/var/cache/system-bus".as_ref(), 1 << 30)?;
/// let child = Child::this_program(["compile".into()])?;
/// let compilation = Compilation::new(Compiler::Child(child), Some(cache));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Compilation {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    compiler: Compiler,
    cache: Option<Cache>,
    slots: Semaphore,
    cached: AtomicU64,
    compiled: AtomicU64,
}

/// How many components were loaded since the start, by where their code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// From the cache.
    pub cached: u64,
    /// From the compiler.
    pub compiled: u64,
}

/// Why there is no compiled code.
#[derive(Debug)]
pub(crate) enum CompileError {
    /// The bytes are not a component that can be compiled: what the compiler says.
    Refused(String),
    /// The compiler failed, whatever the bytes are: what happened to it.
    Failed(String),
}

impl Default for Compilation {
    /// In this process, without a cache.
    fn default() -> Self {
        Self::new(Compiler::InProcess, None)
    }
}

impl Compilation {
    /// Compiles as many components at once as half of the cores, and at least one.
    pub fn new(compiler: Compiler, cache: Option<Cache>) -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        Self::at_once(compiler, cache, NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN))
    }

    /// Compiles this many components at once.
    pub fn at_once(compiler: Compiler, cache: Option<Cache>, components: NonZeroUsize) -> Self {
        let slots = Semaphore::new(components.get().min(Semaphore::MAX_PERMITS));
        let inner = Inner { compiler, cache, slots, cached: 0.into(), compiled: 0.into() };
        Self { inner: Arc::new(inner) }
    }

    /// Whether somebody waits for the code: it is then made quickly rather than made to be quick.
    pub(crate) fn is_urgent(&self) -> bool {
        matches!(&self.inner.compiler, Compiler::Child(child) if child.is_urgent())
    }

    /// How many components were loaded, and from where.
    pub fn counts(&self) -> Counts {
        Counts {
            cached: self.inner.cached.load(Ordering::Relaxed),
            compiled: self.inner.compiled.load(Ordering::Relaxed),
        }
    }

    async fn component(
        &self,
        target: &Target,
        digest: Digest,
        bytes: Arc<[u8]>,
    ) -> Result<Component, CompileError> {
        let key = Key { digest, engine: target.fingerprint };
        if let Some(component) = self.cached(target, key).await {
            return Ok(component);
        }
        let _slot = if let Ok(slot) = self.inner.slots.try_acquire() {
            slot
        } else {
            let slot = self.inner.slots.acquire().await.expect("it is never closed");
            // The one that was waited for may have been the same component.
            if let Some(component) = self.cached(target, key).await {
                return Ok(component);
            }
            slot
        };
        let code = match &self.inner.compiler {
            Compiler::InProcess => in_process(target.engine.clone(), bytes).await?,
            Compiler::Child(child) => child.compile(target, &bytes).await?,
        };
        let (inner, engine) = (Arc::clone(&self.inner), target.engine.clone());
        let component = blocking(move || inner.keep(key, code).map(&engine))
            .await?
            .map_err(|error| CompileError::Failed(format!("its code cannot be used: {error:#}")))?;
        self.inner.compiled.fetch_add(1, Ordering::Relaxed);
        Ok(component)
    }

    async fn cached(&self, target: &Target, key: Key) -> Option<Component> {
        let (inner, engine) = (Arc::clone(&self.inner), target.engine.clone());
        // A panic in there was reported, and is a miss.
        blocking(move || inner.cached(&engine, key)).await.ok().flatten()
    }
}

impl Inner {
    fn cached(&self, engine: &Engine, key: Key) -> Option<Component> {
        let cache = self.cache.as_ref()?;
        let doubt = match cache.find(key, SystemTime::now()) {
            Ok(None) => return None,
            Ok(Some(code)) => match code.map(engine) {
                Ok(component) => {
                    self.cached.fetch_add(1, Ordering::Relaxed);
                    return Some(component);
                }
                Err(error) => format!("the engine does not take it: {error:#}"),
            },
            Err(doubt) => doubt.to_string(),
        };
        tracing::warn!(
            file = %cache.path_of(key).display(),
            reason = doubt,
            "compiled code in the cache cannot be trusted; the component is compiled again and the file replaced"
        );
        None
    }

    /// Puts code into the cache if there is one; what is mapped then is the file, whose pages the system can take back.
    fn keep(&self, key: Key, code: Vec<u8>) -> Code {
        let Some(cache) = &self.cache else { return Code::compiled(code) };
        match cache.store(key, &code, SystemTime::now()) {
            Ok(stored) => stored,
            Err(error) => {
                tracing::warn!(
                    file = %cache.path_of(key).display(),
                    %error,
                    "compiled code was not kept; it is compiled again next time. Make room, or make the folder writable"
                );
                Code::compiled(code)
            }
        }
    }
}

/// The engine that code is compiled for.
pub(crate) struct Target {
    pub(crate) engine: Engine,
    pub(crate) settings: Settings,
    pub(crate) fingerprint: Fingerprint,
}

impl Runtime {
    /// The compiled code of a component: from the cache, else from the compiler, which fills the cache. `name` is what
    /// errors call it, and `digest` is that of the bytes.
    ///
    /// From the cache it takes a fraction of a millisecond, else a tenth of a second to many seconds, and none of it on
    /// the threads that serve. Dropping the future ends the child that compiles.
    ///
    /// Fails with [`LoadError::Compile`] when the bytes are no component, and with [`LoadError::Compiler`] when the
    /// compiler crashes, takes too long, or needs too much memory. A cache in any bad state is never an error.
    pub async fn compile(
        &self,
        name: &str,
        digest: Digest,
        bytes: Arc<[u8]>,
    ) -> Result<Component, LoadError> {
        let component = || name.to_owned();
        self.compilation.component(&self.target, digest, bytes).await.map_err(|error| match error {
            CompileError::Refused(reason) => LoadError::Compile { component: component(), reason },
            CompileError::Failed(reason) => LoadError::Compiler { component: component(), reason },
        })
    }

    /// The compiled code of the component with this digest, if the cache has it.
    pub(crate) async fn cached(&self, digest: Digest) -> Option<Component> {
        let key = Key { digest, engine: self.target.fingerprint };
        self.compilation.cached(&self.target, key).await
    }

    /// Where the compiled code of components comes from.
    pub fn compilation(&self) -> &Compilation {
        &self.compilation
    }
}

async fn in_process(engine: Engine, bytes: Arc<[u8]>) -> Result<Vec<u8>, CompileError> {
    blocking(move || engine.precompile_component(&bytes))
        .await?
        .map_err(|error| CompileError::Refused(format!("{error:#}")))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CompileError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| CompileError::Failed(format!("the compiler failed: {error}")))
}
