//! The one configuration of the engine, the pool of instances, and the thread that makes time pass for guests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::id::RunId;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    RegallocAlgorithm, WasmBacktraceDetails,
};

use crate::capability::usage::{Usage, Usages};
use crate::capability::{Granted, Guards, Provider, Requests};
use crate::compile::{Compilation, Fingerprint, Target};
use crate::http::Destination;
use crate::limits::Limits;
use crate::linker::Linkers;
use crate::logging::recent::Recent;
use crate::placement::{Capability, Lack, Placement, Refusal, Refusals};

/// How often a running guest is asked whether its time is up; calls beside it get their turn as often.
const TICK: Duration = Duration::from_millis(10);

/// How many instances may live at once; further calls wait for one to end.
pub const INSTANCES: u32 = 256;

/// Core modules in one component, its libraries and adapters included. Rust has 3, `JavaScript` 4, and Python, which
/// is linked of shared libraries, 39. Only counted: a slot takes no memory before it is used.
const CORE_INSTANCES_EACH: u32 = 64;

/// Loads and runs components. Cheap to clone; the last clone ends its thread.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linkers: Arc<Linkers>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) allowed: Arc<[Destination]>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) compilation: Compilation,
    pub(crate) target: Arc<Target>,
    pub(crate) usages: Arc<Usages>,
    pub(crate) requests: Option<Arc<dyn Requests>>,
    providers: Arc<[Arc<dyn Provider>]>,
    pub(crate) guards: Guards,
    granted: Arc<Granted>,
    pub(crate) recent: Arc<Recent>,
    _ticker: Arc<Ticker>,
}

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The machine or the settings do not allow it.
    #[error("the WebAssembly engine cannot start: {0:#}")]
    Engine(wasmtime::Error),
    /// No thread for the ticks.
    #[error("no thread could be started for the engine's clock: {0}")]
    Thread(std::io::Error),
}

impl Runtime {
    /// A runtime whose components get these limits, and may send requests to these destinations from their steps. It
    /// compiles in this process and keeps no compiled code: for tests and benchmarks.
    pub fn new(limits: Limits, allowed: Vec<Destination>) -> Result<Self, EngineError> {
        Self::with_compilation(limits, allowed, Compilation::default())
    }

    /// The same, with a say in who compiles and where compiled code is kept.
    pub fn with_compilation(
        limits: Limits,
        allowed: Vec<Destination>,
        compilation: Compilation,
    ) -> Result<Self, EngineError> {
        Self::with_providers(limits, allowed, compilation, Vec::new())
    }

    /// The same, with what stands behind the capabilities that the runtime does not have itself.
    pub fn with_providers(
        limits: Limits,
        allowed: Vec<Destination>,
        compilation: Compilation,
        providers: Vec<Arc<dyn Provider>>,
    ) -> Result<Self, EngineError> {
        let settings = Settings::new(&limits, compilation.is_urgent());
        let engine = match Engine::new(&settings.config(true)) {
            Ok(engine) => engine,
            Err(error) => {
                // A container may forbid reserving the pool's addresses; calls then cost a little more.
                tracing::warn!(
                    reason = format!("{error:#}"),
                    "no pool of instances; they are made on demand"
                );
                Engine::new(&settings.config(false)).map_err(EngineError::Engine)?
            }
        };
        let fingerprint = Fingerprint::of(&engine);
        let target = Target { engine: engine.clone(), settings, fingerprint };
        let linkers = Linkers::new(&engine, &providers).map_err(EngineError::Engine)?;
        let requests = providers.iter().find_map(|provider| Arc::clone(provider).requests());
        let ticker = Ticker::start(&engine).map_err(EngineError::Thread)?;
        Ok(Self {
            engine,
            linkers: Arc::new(linkers),
            limits: Arc::new(limits),
            allowed: allowed.into(),
            slots: Arc::new(Semaphore::new(INSTANCES as usize)),
            compilation,
            target: Arc::new(target),
            usages: Arc::default(),
            requests,
            guards: Guards::of(&providers),
            providers: providers.into(),
            granted: Arc::default(),
            recent: Arc::default(),
            _ticker: Arc::new(ticker),
        })
    }

    /// The same runtime, told what the operator has granted: for what it says of components that want more.
    #[must_use]
    pub fn granting(self, granted: Granted) -> Self {
        Self { granted: Arc::new(granted), ..self }
    }

    /// What the operator has granted.
    pub fn granted(&self) -> &Granted {
        &self.granted
    }

    /// Whether a component may use anything of a capability. Requests may be allowed for every component at once.
    pub fn is_granted(&self, component: &str, capability: Capability) -> bool {
        let everybody = capability == Capability::Http && !self.allowed.is_empty();
        everybody || self.granted.includes(component, capability)
    }

    /// Refuses the imports behind which nothing stands here.
    pub(crate) fn provides(&self, placement: Placement) -> Result<Placement, Refusals> {
        let has = |capability| self.providers.iter().any(|one| one.capability() == capability);
        let lacking = placement.uses().iter();
        let lacking = lacking.filter(|used| used.is_provided() && !has(used.capability));
        let lacking: Vec<_> = lacking
            .map(|used| Refusal {
                import: used.import.clone(),
                capability: Some(used.capability),
                lack: Lack::NotProvided,
            })
            .collect();
        if lacking.is_empty() { Ok(placement) } else { Err(Refusals(lacking)) }
    }

    /// What each component has used so far, by name.
    pub fn usage(&self) -> BTreeMap<String, Arc<Usage>> {
        self.usages.all()
    }

    /// What guests have logged last.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Lets what is kept for a run go: it has ended, or was given up.
    pub fn run_ended(&self, run: RunId) {
        for provider in self.providers.iter() {
            provider.run_ended(run);
        }
    }

    /// What one call may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The settings of an engine, in a form that another process can make an equal engine from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Linear memory of an instance, in bytes.
    memory: usize,
    /// The stack of a guest, in bytes.
    stack: usize,
    /// Elements of all tables of an instance.
    table_elements: usize,
    /// Whether code is made quickly rather than made to be quick.
    hasty: bool,
}

impl Settings {
    fn new(limits: &Limits, hasty: bool) -> Self {
        let Limits { memory, stack, table_elements, .. } = *limits;
        Self { memory, stack, table_elements, hasty }
    }

    /// An engine that only compiles: no addresses are reserved for instances. What it makes runs in a pool too.
    pub(crate) fn compiler(&self) -> wasmtime::Result<Engine> {
        Engine::new(&self.config(false))
    }

    /// The one place where the engine's configuration is decided.
    fn config(&self, pooled: bool) -> Config {
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .concurrency_support(false)
            .max_wasm_stack(self.stack)
            .async_stack_size(self.stack + (1 << 20))
            // Frames are captured where they are shown (`outside`), not in every planned step.
            .wasm_backtrace_max_frames(None)
            .wasm_backtrace_details(WasmBacktraceDetails::Enable);
        if self.hasty {
            // More than half of the compiler's time, for code that runs less quickly.
            config
                .cranelift_opt_level(OptLevel::None)
                .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        }
        if pooled {
            let mut pool = PoolingAllocationConfig::default();
            pool.total_component_instances(INSTANCES)
                .total_core_instances(INSTANCES * CORE_INSTANCES_EACH)
                .max_core_instances_per_component(CORE_INSTANCES_EACH)
                .total_memories(INSTANCES)
                .total_tables(INSTANCES * 4)
                .total_stacks(INSTANCES)
                .max_memories_per_component(1)
                .max_tables_per_component(4)
                .max_memory_size(self.memory)
                .table_elements(self.table_elements)
                .max_unused_warm_slots(32)
                .linear_memory_keep_resident(256 << 10)
                .table_keep_resident(64 << 10)
                .async_stack_keep_resident(64 << 10)
                .pagemap_scan(Enabled::Auto);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        config
    }
}

/// The thread that advances the engine's epoch. It ends, and is waited for, when this is dropped.
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: &Engine) -> std::io::Result<Self> {
        let (stop, stopped): (Sender<()>, Receiver<()>) = channel();
        let engine = engine.weak();
        let thread = std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported already.
            drop(thread.join());
        }
    }
}
