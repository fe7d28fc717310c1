//! Bytes → a component that can be called: compiled, linked, described and checked.

use std::sync::Arc;

use protocol::digest::Digest;
use protocol::function::{FunctionConfig, Manifest, ManifestError, RefusedFunction};
use protocol::id::FunctionId;

use crate::bindings::WorkerPre;
use crate::engine::Runtime;
use crate::fault::Fault;
use crate::state::CallState;

/// A component that can be called.
pub struct Component {
    name: String,
    digest: String,
    manifest: Manifest,
    pub(crate) pre: WorkerPre<CallState>,
    pub(crate) runtime: Runtime,
}

/// Why a component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
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
    /// It imports something that does not exist here, or lacks an export.
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
    /// A function id that another component has already.
    #[error(
        "component {component}: function {function} is already in component {owner}; give one of them another id, or remove it"
    )]
    Duplicate {
        /// The component.
        component: String,
        /// The function both have.
        function: FunctionId,
        /// The component that has it already.
        owner: String,
    },
    /// The file or folder cannot be read.
    #[error("{path}: it cannot be read: {reason}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the system says.
        reason: String,
    },
}

impl Component {
    /// Compiles, links, describes and checks a component. `name` is what errors and logs call it.
    ///
    /// Compiling takes a core for a tenth of a second to many seconds; see [`Runtime::compile`] for where it happens.
    pub async fn load(
        runtime: &Runtime,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Arc<Self>, LoadError> {
        let component = || name.to_owned();
        let digest = Digest::of(&bytes);
        let compiled = runtime.compile(name, digest, bytes.into()).await?;
        let pre = runtime.linker.instantiate_pre(&compiled).and_then(WorkerPre::new).map_err(
            |error| LoadError::Link { component: component(), reason: format!("{error:#}") },
        )?;
        let json = runtime
            .describe(name, &pre)
            .await
            .map_err(|fault| LoadError::Describe { component: component(), fault })?;
        let manifest = Manifest::parse(&json)
            .map_err(|error| LoadError::Manifest { component: component(), error })?;
        let digest = digest.to_string();
        Ok(Arc::new(Self { name: component(), digest, manifest, pre, runtime: runtime.clone() }))
    }

    /// What errors and logs call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
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
            .finish_non_exhaustive()
    }
}
