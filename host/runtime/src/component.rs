//! Bytes → a component that can be called: compiled, linked, described and checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::call::Call;
use protocol::digest::{Digest, Hashed};
use protocol::function::{FunctionConfig, Manifest, ManifestError, RefusedFunction};
use protocol::id::FunctionId;
use protocol::role::Role;

use crate::bindings::WorkerPre;
use crate::capability::{Caller, Usage};
use crate::engine::Runtime;
use crate::fault::Fault;
use crate::placement::{self, Capability, DecodeError, Import, Placement, Refusals};
use crate::state::CallState;

/// A component that can be called.
pub struct Component {
    name: Arc<str>,
    digest: Digest,
    manifest: Manifest,
    placement: Placement,
    /// Linked for each role that a function of it lives in; never empty.
    linked: Vec<(Role, WorkerPre<CallState>)>,
    pub(crate) usage: Arc<Usage>,
    pub(crate) runtime: Runtime,
}

/// Why a component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are no component for a worker, or not all of one.
    #[error("component {component}: {error}")]
    Decode {
        /// The component.
        component: String,
        /// What they are.
        error: DecodeError,
    },
    /// It imports what no worker gives.
    #[error("component {component}: {refusals}. docs/placement.md lists what there is")]
    Imports {
        /// The component.
        component: String,
        /// Each such import.
        refusals: Refusals,
    },
    /// The bytes are not a component that this engine compiles.
    #[error(
        "component {component}: it cannot be compiled: {reason}. Build it with `cargo build --target wasm32-wasip2`"
    )]
    Compile {
        /// The component.
        component: String,
        /// What the compiler says.
        reason: String,
    },
    /// The compiler itself failed, whatever the component is.
    #[error("component {component}: it was not compiled: {reason}")]
    Compiler {
        /// The component.
        component: String,
        /// What happened to the compiler, and its last words.
        reason: String,
    },
    /// What it imports or exports under a known name has another form than here.
    #[error(
        "component {component}: it does not fit this worker: {reason}. See docs/guests.md for what a component may import and must export"
    )]
    Link {
        /// The component.
        component: String,
        /// What is missing.
        reason: String,
    },
    /// It failed while it described itself.
    #[error("component {component}: describing itself, it {fault}")]
    Describe {
        /// The component.
        component: String,
        /// What happened.
        fault: Fault,
    },
    /// It describes itself wrongly.
    #[error("component {component}: {error}")]
    Manifest {
        /// The component.
        component: String,
        /// Everything that is wrong.
        error: ManifestError,
    },
    /// The file cannot be read.
    #[error("{path}: it cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
}

impl LoadError {
    /// Whether the bytes may be the beginning of a file that is still being written.
    pub fn may_be_incomplete(&self) -> bool {
        matches!(self, Self::Decode { error, .. } if error.may_be_incomplete())
    }
}

impl Component {
    /// Decides where a component may run, then compiles, links, describes and checks it. `name` is what errors and logs
    /// call it.
    ///
    /// Compiling takes a core for a tenth of a second to many seconds; see [`Runtime::compile`] for where it happens.
    pub async fn load(
        runtime: &Runtime,
        name: &str,
        bytes: impl Into<Hashed>,
    ) -> Result<Arc<Self>, LoadError> {
        let hashed = bytes.into();
        let (digest, bytes) = (hashed.digest(), Arc::clone(hashed.bytes()));
        let component = || name.to_owned();
        let imports = placement::decode(&bytes)
            .map_err(|error| LoadError::Decode { component: component(), error })?;
        let placement = placement::judge(imports)
            .and_then(|placement| runtime.provides(placement))
            .map_err(|refusals| LoadError::Imports { component: component(), refusals })?;
        let compiled = runtime.compile(name, digest, bytes).await?;
        Self::of(runtime, name, digest, placement, &compiled).await
    }

    /// The component with this digest, if its compiled code is in the cache and nothing is wrong with it: its bytes are
    /// not needed then. None is no verdict; [`Self::load`] tells what is the matter.
    pub async fn cached(runtime: &Runtime, name: &str, digest: Digest) -> Option<Arc<Self>> {
        let compiled = runtime.cached(digest).await?;
        let names = compiled.component_type();
        let imports = names.imports(&runtime.engine).map(|(name, _)| Import::named(name));
        let placement = runtime.provides(placement::judge(imports.collect()).ok()?).ok()?;
        Self::of(runtime, name, digest, placement, &compiled).await.ok()
    }

    /// Links and describes what is compiled.
    async fn of(
        runtime: &Runtime,
        name: &str,
        digest: Digest,
        placement: Placement,
        compiled: &wasmtime::component::Component,
    ) -> Result<Arc<Self>, LoadError> {
        let component = || name.to_owned();
        let link = |role| {
            let pre = runtime.linkers.of(role).instantiate_pre(compiled);
            pre.and_then(WorkerPre::new).map_err(|error| LoadError::Link {
                component: component(),
                reason: format!("{error:#}"),
            })
        };
        // It describes itself with the least that it can be linked against.
        let least = placement.home(None);
        let pre = link(least)?;
        let json = runtime
            .describe(name, &pre)
            .await
            .map_err(|fault| LoadError::Describe { component: component(), fault })?;
        let manifest = Manifest::parse(&json)
            .map_err(|error| LoadError::Manifest { component: component(), error })?;
        let homes: BTreeSet<_> =
            manifest.functions.iter().map(|function| placement.home(function.role)).collect();
        let linked = homes
            .into_iter()
            .map(|home| Ok((home, if home == least { pre.clone() } else { link(home)? })));
        let linked = linked.collect::<Result<_, LoadError>>()?;
        let (usage, runtime) = (runtime.usages.of(name, runtime.granted()), runtime.clone());
        let loaded =
            Self { name: name.into(), digest, manifest, placement, linked, usage, runtime };
        let ungranted = loaded.ungranted();
        if !ungranted.is_empty() {
            let capabilities: Vec<_> = ungranted.into_iter().map(Capability::name).collect();
            tracing::warn!(
                component = name,
                capabilities = capabilities.join(", "),
                "it imports what no grant allows: such calls are refused; see `system-bus grants`"
            );
        }
        Ok(Arc::new(loaded))
    }

    /// What errors and logs call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose call this is, for what stands behind its imports.
    pub(crate) fn caller(&self, function: &FunctionId, call: &Call) -> Caller {
        Caller {
            component: Arc::clone(&self.name),
            digest: self.digest,
            function: function.clone(),
            run: call.run,
            role: self.home(function),
            attempt: call.attempt.number,
            usage: Arc::clone(&self.usage),
            guards: self.runtime.guards.clone(),
            records: Arc::default(),
        }
    }

    /// The SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What built it, such as `rust/0.1.0`, where it says so.
    pub fn sdk(&self) -> Option<&str> {
        self.manifest.sdk.as_deref()
    }

    /// Where it may run, and which of its imports say so.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// Where one of its functions lives: workers of this role serve it, and no others.
    pub fn home(&self, function: &FunctionId) -> Role {
        let mut functions = self.manifest.functions.iter();
        let declared = functions.find(|declared| declared.id == *function);
        self.placement.home(declared.and_then(|declared| declared.role))
    }

    /// What instances are made of for a role. One in which no function lives has none of its own.
    pub(crate) fn linked(&self, role: Role) -> &WorkerPre<CallState> {
        let own = self.linked.iter().find(|(own, _)| *own == role);
        &own.unwrap_or(&self.linked[0]).1
    }

    /// What it imports and nobody granted. It can be loaded: each use of such an import is refused with an error that
    /// its code can see.
    pub fn ungranted(&self) -> BTreeSet<Capability> {
        let uses = self.placement.uses().iter().filter(|used| used.needs_grant());
        let capabilities = uses.map(|used| used.capability);
        capabilities.filter(|one| !self.runtime.is_granted(&self.name, *one)).collect()
    }

    /// The runtime it was loaded into.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The functions it declares that can be served.
    pub fn functions(&self) -> &[FunctionConfig] {
        &self.manifest.functions
    }

    /// The functions it declares that cannot.
    pub fn refused(&self) -> &[RefusedFunction] {
        &self.manifest.refused
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .field("placement", &self.placement)
            .finish_non_exhaustive()
    }
}
